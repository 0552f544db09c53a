"""Which images look alike (requirement D4): a 64-bit difference hash, compared by the bits that differ.

Two hashes that differ in at most 7 bits have, by the pigeonhole, one of their four 16-bit bands that differs in at
most one. So every hash near a given one has, among its bands, one of 4 x 17 known values: an index finds them all.
"""

from typing import Final

from PIL import Image

NEAR: Final = 7  # bits; what the bands can promise to find
BANDS, BAND_BITS = 4, 16
FLIPS: Final = (0, *(1 << bit for bit in range(BAND_BITS)))
PLAIN: Final = 4  # a hash with fewer set or unset bits says only that the picture is flat


def dhash(image: Image.Image) -> int | None:
    """Each bit says whether a pixel of the picture, made 9 x 8, is darker than its neighbour. None: nothing to see.

    A signed integer, as a bigint column has it.
    """
    small = image.convert("L").resize((9, 8), Image.Resampling.LANCZOS)
    pixels = small.tobytes()
    bits = 0
    for row in range(8):
        for column in range(8):
            here = row * 9 + column
            bits = bits << 1 | (pixels[here] < pixels[here + 1])
    if not PLAIN <= bits.bit_count() <= 64 - PLAIN:
        return None
    return bits - (1 << 64) if bits >> 63 else bits


def distance(one: int, other: int) -> int:
    """How many of 64 bits differ."""
    return ((one ^ other) & (1 << 64) - 1).bit_count()


def bands(signed: int) -> list[int]:
    """The four bands of a hash, each with its place in front, so that equal bits in other places do not meet."""
    bits = signed & (1 << 64) - 1
    return [place << BAND_BITS | bits >> place * BAND_BITS & 0xFFFF for place in range(BANDS)]
