"""A QR code as one SVG path: drawn here, so that no secret leaves the house."""

from typing import NamedTuple

from reportlab.graphics.barcode.qrencoder import QRCode, QRErrorCorrectLevel

QUIET = 4  # modules of margin, which readers need


class Drawn(NamedTuple):
    size: int  # of the view box
    path: str


def drawn(text: str) -> Drawn:
    code = QRCode(None, QRErrorCorrectLevel.M)
    code.addData(text)
    code.make()
    count = code.getModuleCount()
    dark = [
        f"M{column + QUIET} {row + QUIET}h1v1h-1z"
        for row in range(count)
        for column in range(count)
        if code.isDark(row, column)
    ]
    return Drawn(count + 2 * QUIET, "".join(dark))
