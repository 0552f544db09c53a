"""What a file is, by its content: its name and the type its sender states are never asked."""

from typing import Final

import filetype

from .cleaned import Limits
from .faults import Fault, Unacceptable

PNG, JPEG, WEBP, PDF, MP4 = "image/png", "image/jpeg", "image/webp", "application/pdf", "video/mp4"
EXTENSIONS: Final = {PNG: "png", JPEG: "jpg", WEBP: "webp", PDF: "pdf", MP4: "mp4"}
IMAGES: Final = frozenset({PNG, JPEG, WEBP})
HEAD_BYTES = 8192


def media_type(head: bytes) -> str:
    """One of the five kept types, from a file's first HEAD_BYTES. Raises Unacceptable (EMPTY, TYPE).

    This only chooses the parser, which then has the last word. Every file of the family of MP4 goes to the same
    one, since the family's members (MOV, HEIC, AVIF, M4A) differ by their brand alone.
    """
    if not head:
        raise Unacceptable(Fault.EMPTY)
    if head[4:8] == b"ftyp":
        return MP4
    found = filetype.guess_mime(head)
    if found == "image/apng":  # a PNG that moves is told so by the parser
        found = PNG
    if found not in EXTENSIONS:
        raise Unacceptable(Fault.TYPE, types=sorted(EXTENSIONS.values()))
    return str(found)


def most_bytes(kind: str, limits: Limits) -> int:
    return limits.video_bytes if kind == MP4 else limits.bytes
