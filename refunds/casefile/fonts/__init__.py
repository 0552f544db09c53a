"""The one font of the documents: Latin and the Chinese characters of GBK, carried along (OFL.txt)."""

from functools import cache
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

NAME = "NotoSansSC"
FILE = Path(__file__).parent / "NotoSansSC-Regular.ttf"
LACKING = "□"  # stands for a character the font has not, so that nothing goes missing unseen


@cache
def known() -> frozenset[int]:
    """The characters it has. Registers the font, once a process."""
    font = TTFont(NAME, FILE)
    pdfmetrics.registerFont(font)
    return frozenset(font.face.charToGlyph)


def printable(text: str) -> str:
    """With every character the font lacks, controls and turners of direction among them, shown as LACKING."""
    has = known()
    return "".join(
        char if char == "\n" or ord(char) in has else LACKING for char in text.replace("\t", "    ")
    )
