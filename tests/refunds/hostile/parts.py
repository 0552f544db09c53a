"""Small files made from nothing, to be spoilt: pictures, documents and films, built by hand where it matters."""

import io
import struct
import zlib
from typing import Any

from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo
from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, TextStringObject

GPS_MAKE = "SpyPhone 7"  # stands in the EXIF of every picture that carries some
SECRET = "SECRET-OF-THE-CAMERA"


def scene(width: int = 160, height: int = 120, seed: int = 0) -> Image.Image:
    """A picture with structure of its own: blocks of grey laid out by `seed`."""
    image = Image.new("RGB", (width, height), "white")
    state = seed * 2654435761 + 12345
    for x in range(0, width, max(width // 8, 1)):
        for y in range(0, height, max(height // 8, 1)):
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
            shade = state >> 16 & 0xFF
            box = (x, y, x + width // 8 + 1, y + height // 8 + 1)
            image.paste((shade, shade // 2, 255 - shade), box)
    return image


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def png(seed: int = 0, **options: Any) -> bytes:
    return saved(scene(seed=seed), "PNG", **options)


def jpeg(seed: int = 0, **options: Any) -> bytes:
    return saved(scene(seed=seed), "JPEG", **options)


def webp(seed: int = 0, **options: Any) -> bytes:
    return saved(scene(seed=seed), "WEBP", **options)


def exif(orientation: int = 1) -> bytes:
    """With a maker, and a place."""
    data = Image.Exif()
    data[0x010F] = GPS_MAKE
    data[0x0112] = orientation
    data.get_ifd(0x8825).update({1: "N", 2: (39.0, 54.0, 0.0), 3: "E", 4: (116.0, 23.0, 0.0)})
    return data.tobytes()


def icc() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def with_text() -> bytes:
    info = PngInfo()
    info.add_text("Author", SECRET)
    info.add_itxt("XML:com.adobe.xmp", f"<x:xmpmeta>{SECRET}</x:xmpmeta>")
    return png(pnginfo=info)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(width: int, height: int, body: bytes) -> bytes:
    """A header that promises, whatever the body holds."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(body, 9))
        + chunk(b"IEND", b"")
    )


def text_bomb() -> bytes:
    """A small picture with compressed text that grows to 200 MB."""
    body = b"Comment\0\0" + zlib.compress(bytes(200_000_000), 9)
    whole = png()
    return whole[:33] + chunk(b"zTXt", body) + whole[33:]


def moving(form: str) -> bytes:
    frames = [scene(seed=number) for number in range(3)]
    return saved(frames[0], form, save_all=True, append_images=frames[1:], duration=100)


def pdf(pages: int = 1, **info: str) -> bytes:
    writer = PdfWriter()
    for _page in range(pages):
        writer.add_blank_page(200, 200)
    if info:
        writer.add_metadata({f"/{name}": value for name, value in info.items()})
    return written(writer)


def written(writer: PdfWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def dictionary(**entries: Any) -> DictionaryObject:
    """dictionary(S="/Launch", F="text"): names begin with a slash, the rest is text, numbers and what it is."""
    return DictionaryObject({NameObject(f"/{name}"): _object(value) for name, value in entries.items()})


def _object(value: Any) -> Any:
    if isinstance(value, str):
        return NameObject(value) if value.startswith("/") else TextStringObject(value)
    if isinstance(value, int):
        return NumberObject(value)
    if isinstance(value, list):
        return ArrayObject(_object(each) for each in value)
    return value


def pdf_with(place: str = "catalog", **entries: Any) -> bytes:
    """One page, with entries in the catalog, or on the page."""
    writer = PdfWriter()
    page = writer.add_blank_page(200, 200)
    target = writer._root_object if place == "catalog" else page
    target.update(dictionary(**entries))
    return written(writer)


def raw_pdf(*objects: bytes, root: int = 1) -> bytes:
    """A document of objects as they are given, numbered from 1, with a table that finds them."""
    out, places = io.BytesIO(), []
    out.write(b"%PDF-1.7\n")
    for number, body in enumerate(objects, start=1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%b\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % place for place in places))
    out.write(
        b"trailer\n<</Size %d/Root %d 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, root, start)
    )
    return out.getvalue()


def stream(body: bytes, extra: bytes = b"") -> bytes:
    return b"<</Length %d%b>>stream\n%b\nendstream" % (len(body), extra, body)


def one_page(content: bytes) -> bytes:
    """A document whose single page has this object as its content."""
    return raw_pdf(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>",
        content,
    )


def box(kind: bytes, *inner: bytes) -> bytes:
    body = b"".join(inner)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def film(brand: bytes = b"isom", *extra: bytes, handler: bytes = b"vide", self_contained: int = 1) -> bytes:
    """The boxes of a film with one track; `extra` boxes stand before the pictures. The times of filming are set."""
    times = struct.pack(">IIII", 0, 3_800_000_000, 3_800_000_001, 0)
    dref = box(b"dref", struct.pack(">II", 0, 1), box(b"url ", struct.pack(">I", self_contained)))
    track = box(
        b"trak",
        box(b"tkhd", times, bytes(64)),
        box(
            b"mdia",
            box(b"mdhd", times, bytes(8)),
            box(b"hdlr", bytes(8), handler, bytes(12), SECRET.encode() + b"\0"),
            box(b"minf", box(b"dinf", dref), box(b"stbl", bytes(0))),
        ),
        box(b"udta", box(b"\xa9mak", GPS_MAKE.encode())),
    )
    movie = box(
        b"moov", box(b"mvhd", times, bytes(80)), track, box(b"udta", box(b"\xa9xyz", SECRET.encode()))
    )
    return b"".join(
        [
            box(b"ftyp", brand, struct.pack(">I", 512), b"isommp42"),
            *extra,
            movie,
            box(b"mdat", b"PICTURES" * 64),
        ]
    )
