"""Images: decoded whole and written anew, so that only pixels are left of them.

Nothing of the original's bytes survives: no EXIF, colour profile, text chunk, thumbnail, nor the script or archive
somebody hid behind or between the pixels.
"""

import warnings
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageOps

from .cleaned import Cleaned, Limits
from .faults import Fault, Unacceptable
from .similar import dhash
from .sniff import JPEG, PNG, WEBP

FORMATS: Final = {PNG: "PNG", JPEG: "JPEG", WEBP: "WEBP"}
OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "PNG": {"compress_level": 6},
    "JPEG": {"quality": 92, "subsampling": 0},
    "WEBP": {"quality": 92},
}
THUMBNAIL_PIXELS = 320  # each way
LONGEST_SIDE = {"WEBP": 16383, "JPEG": 65500}  # what the format can hold


def clean(source: Path, target: Path, small: Path, kind: str, limits: Limits) -> Cleaned:
    """Write `source` anew to `target`, and its thumbnail to `small`. Raises Unacceptable, or whatever Pillow does.

    The size stands in the header and is judged before a single pixel is decoded.
    """
    Image.MAX_IMAGE_PIXELS = limits.pixels
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    form = FORMATS[kind]
    try:
        with Image.open(source, formats=[form]) as image:
            width, height = image.size
            if width * height > limits.pixels:
                raise Unacceptable(Fault.TOO_MANY_PIXELS, at_most=limits.pixels, pixels=width * height)
            if getattr(image, "is_animated", False):
                raise Unacceptable(Fault.ANIMATED)
            image.load()
            upright = ImageOps.exif_transpose(image)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as bomb:
        raise Unacceptable(Fault.TOO_MANY_PIXELS, at_most=limits.pixels) from bomb
    plain = _plain(upright, form)
    plain.save(target, form, **OPTIONS[form])
    plain_hash = dhash(plain)
    size = plain.size
    plain.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    plain.save(small, "WEBP", quality=80)
    return Cleaned(width=size[0], height=size[1], dhash=plain_hash)


def _plain(image: Image.Image, form: str) -> Image.Image:
    """Eight bits a channel, grey or RGB, alpha where there is any; and nothing else to be written along."""
    has_alpha = form != "JPEG" and ("A" in image.getbands() or "transparency" in image.info)
    if image.mode.startswith("I;16") or image.mode == "I":
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    elif has_alpha:
        image = image.convert("RGBA")
    elif image.mode not in ("L", "RGB"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    image.info = {}
    image.getexif().clear()
    return image
