"""What is known of a file once it was taken apart and written anew, and the bounds it had to keep."""

from typing import NamedTuple


class Limits(NamedTuple):
    """Bytes of an image or document, bytes of a video, pixels of an image, pages of a document."""

    bytes: int
    video_bytes: int
    pixels: int
    pages: int


class Cleaned(NamedTuple):
    """Sizes in pixels of an image, pages of a document, and the 64-bit difference hash of an image with structure."""

    width: int | None = None
    height: int | None = None
    pages: int | None = None
    dhash: int | None = None
