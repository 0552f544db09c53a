"""The corpus: each file by name, with the name it is sent under and the code it is refused with; "" is taken.

What is taken must come back as a sound file of its type with nothing left but what it shows.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import NamedTuple

from pypdf import PdfWriter

from .parts import (
    SECRET,
    box,
    chunk,
    dictionary,
    exif,
    film,
    icc,
    jpeg,
    moving,
    one_page,
    pdf,
    pdf_with,
    png,
    png_of,
    raw_pdf,
    saved,
    scene,
    stream,
    text_bomb,
    webp,
    with_text,
    written,
)

HTML = b"<!doctype html><html><script>alert(document.domain)</script></html>"
PHP = b"<?php system($_GET['c']); ?>"
PNG, JPEG, WEBP, PDF, MP4 = "image/png", "image/jpeg", "image/webp", "application/pdf", "video/mp4"


class Sent(NamedTuple):
    """`make` gives the bytes; `answer` is "" or the code; `becomes` is the type it is kept as."""

    make: Callable[[], bytes]
    answer: str = ""
    becomes: str = ""
    name: str = "file"


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("evil.js", "alert(1)")
    return out.getvalue()


def _docx() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<w:document/>")
    return out.getvalue()


def _gifar() -> bytes:
    """A GIF that is a script as well."""
    return b"GIF89a/*" + bytes(20) + b"*/=1;alert(1);//" + HTML


def _jpeg_with_comment(comment: bytes) -> bytes:
    whole = jpeg()
    return whole[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + whole[2:]


def _js_jpeg() -> bytes:
    """The known polyglot: the length of the first segment opens a comment in JavaScript."""
    whole = jpeg()
    filler = b"*/=alert(1);/*".ljust(0x2F2A - 2, b"\0")
    return whole[:2] + b"\xff\xe0\x2f\x2a" + filler + whole[2:]


def _locked(user: str) -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(9, 9)
    writer.encrypt(user, "owner")
    return written(writer)


def _attached() -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(9, 9)
    writer.add_attachment("evil.exe", b"MZ")
    return written(writer)


def _deep(levels: int) -> bytes:
    return one_page(b"[" * levels + b"]" * levels)


def _ring() -> bytes:
    return raw_pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 1/Kids[2 0 R]>>")


def _many_objects() -> bytes:
    links = b" ".join(b"%d 0 R" % number for number in range(4, 60_004))
    pages = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Resources<</X[%b]>>>>" % links,
    )
    return raw_pdf(*pages, *[b"<</N 1>>"] * 60_000)


def _inflating(megabytes: int) -> bytes:
    body = zlib.compress(b"0 0 m " * (megabytes * 1024 * 1024 // 6), 9)
    return one_page(stream(body, b"/Filter/FlateDecode"))


def _twice_deflated() -> bytes:
    body = zlib.compress(zlib.compress(bytes(50_000_000), 9), 9)
    return one_page(stream(body, b"/Filter[/FlateDecode/FlateDecode]"))


def _hidden_launch() -> bytes:
    """The name spelt with an escape, and by reference."""
    return raw_pdf(
        b"<</Type/Catalog/Pages 2 0 R/OpenAction<</S 4 0 R/F(cmd.exe)>>>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
        b"/L#61unch",
    )


_SCRIPT = dictionary(S="/JavaScript", JS="app.alert(1)")
_LAUNCH = dictionary(S="/Launch", F="cmd.exe")


def _mkv() -> bytes:
    return b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x88matroska" + bytes(
        200
    )


def _png_with_trailer() -> bytes:
    return png() + b"\n" + HTML


CORPUS: dict[str, Sent] = {
    # --- in order, or nearly ---
    "png": Sent(png, becomes=PNG, name="screen.png"),
    "jpeg": Sent(jpeg, becomes=JPEG, name="photo.JPG"),
    "webp": Sent(webp, becomes=WEBP),
    "pdf": Sent(pdf, becomes=PDF),
    "mp4": Sent(film, becomes=MP4, name="film.mp4"),
    "progressive jpeg": Sent(lambda: jpeg(progressive=True), becomes=JPEG),
    "cmyk jpeg": Sent(lambda: saved(scene().convert("CMYK"), "JPEG"), becomes=JPEG),
    "16-bit png": Sent(lambda: saved(scene().convert("I;16"), "PNG"), becomes=PNG),
    "palette with transparency": Sent(
        lambda: saved(scene().convert("P"), "PNG", transparency=0), becomes=PNG
    ),
    "black and white": Sent(lambda: saved(scene().convert("1"), "PNG"), becomes=PNG),
    "jpeg named .txt": Sent(jpeg, becomes=JPEG, name="notes.txt"),
    "png named .exe": Sent(png, becomes=PNG, name="setup.exe"),
    "fifty pages": Sent(lambda: pdf(50), becomes=PDF),
    # --- tell more than they show: cleaned ---
    "exif with gps": Sent(lambda: jpeg(exif=exif()), becomes=JPEG),
    "exif turned by 90": Sent(lambda: jpeg(exif=exif(6)), becomes=JPEG),
    "exif in png": Sent(lambda: png(exif=exif()), becomes=PNG),
    "exif in webp": Sent(lambda: webp(exif=exif()), becomes=WEBP),
    "icc in jpeg": Sent(lambda: jpeg(icc_profile=icc()), becomes=JPEG),
    "icc in png": Sent(lambda: png(icc_profile=icc()), becomes=PNG),
    "icc in webp": Sent(lambda: webp(icc_profile=icc()), becomes=WEBP),
    "text chunks": Sent(with_text, becomes=PNG),
    "xmp in jpeg": Sent(
        lambda: _jpeg_with_comment(b"http://ns.adobe.com/xap/1.0/\0" + SECRET.encode()), becomes=JPEG
    ),
    "pdf with an author": Sent(lambda: pdf(Author=SECRET, Producer=SECRET), becomes=PDF),
    "pdf with a link": Sent(
        lambda: pdf_with(
            "page",
            Annots=[
                dictionary(
                    Subtype="/Link", Rect=[], A=dictionary(S="/URI", URI=f"https://{SECRET}.example.com")
                )
            ],
        ),
        becomes=PDF,
    ),
    "mp4 with a place": Sent(
        lambda: film(b"mp42", box(b"uuid", bytes(16), SECRET.encode())), becomes=MP4
    ),
    # --- two things at once: only the picture is left ---
    "html behind png": Sent(_png_with_trailer, becomes=PNG),
    "php in jpeg": Sent(lambda: _jpeg_with_comment(PHP), becomes=JPEG, name="shell.php.jpg"),
    "php behind jpeg": Sent(lambda: jpeg() + PHP, becomes=JPEG, name="shell.php"),
    "zip behind jpeg": Sent(lambda: jpeg() + _zip(), becomes=JPEG),
    "javascript jpeg": Sent(_js_jpeg, becomes=JPEG, name="a.js"),
    "html in a png chunk": Sent(lambda: png()[:33] + chunk(b"teXt", HTML) + png()[33:], becomes=PNG),
    "html behind pdf": Sent(lambda: pdf() + HTML, becomes=PDF),
    "html in mp4 free box": Sent(lambda: film(b"isom", box(b"free", HTML)), becomes=MP4, name="x.html"),
    "gif with script": Sent(_gifar, "file_type", name="a.gif"),
    "html before jpeg": Sent(lambda: HTML + jpeg(), "file_type"),
    "zip before png": Sent(lambda: _zip() + png(), "file_type"),
    # --- not one of the five ---
    "nothing": Sent(lambda: b"", "file_empty", name="empty.png"),
    "svg": Sent(
        lambda: b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "file_type", name="a.png"
    ),
    "html": Sent(lambda: HTML, "file_type", name="a.jpg"),
    "gif": Sent(lambda: saved(scene(), "GIF"), "file_type", name="a.png"),
    "bmp": Sent(lambda: saved(scene(), "BMP"), "file_type"),
    "tiff": Sent(lambda: saved(scene(), "TIFF"), "file_type"),
    "exe": Sent(lambda: b"MZ\x90\0" + bytes(200), "file_type", name="photo.jpg"),
    "docx": Sent(_docx, "file_type", name="a.docx"),
    "zip": Sent(_zip, "file_type", name="a.pdf"),
    "text": Sent(lambda: "你好".encode(), "file_type", name="a.png"),
    "mkv": Sent(_mkv, "file_type", name="a.mp4"),
    "mov": Sent(lambda: film(b"qt  "), "file_type", name="a.mp4"),
    "mp4 of an unknown brand": Sent(lambda: film(b"evil"), "file_type"),
    "heic": Sent(lambda: film(b"heic"), "file_type", name="a.jpg"),
    "m4a": Sent(lambda: film(b"M4A "), "file_type", name="a.mp4"),
    # --- too much ---
    "png of a billion pixels": Sent(lambda: png_of(32_000, 32_000, b""), "too_many_pixels"),
    "png of 51 megapixels": Sent(lambda: png_of(8_500, 6_000, b""), "too_many_pixels"),
    "png bomb": Sent(lambda: png_of(60_000, 60_000, bytes(60_000 * 300)), "too_many_pixels"),
    "png one pixel high": Sent(lambda: png_of(2**31 - 1, 1, b""), "too_many_pixels"),
    "png text bomb": Sent(text_bomb, "file_damaged"),
    "apng": Sent(lambda: moving("PNG"), "file_animated", name="a.png"),
    "animated webp": Sent(lambda: moving("WEBP"), "file_animated"),
    "fifty-one pages": Sent(lambda: pdf(51), "too_many_pages"),
    "ten thousand pages": Sent(lambda: pdf(10_000), "too_many_pages"),
    "pdf that inflates": Sent(lambda: _inflating(300), "file_too_complex"),
    "pdf deflated twice": Sent(_twice_deflated, "file_too_complex"),
    "pdf nested deeply": Sent(lambda: _deep(20_000), "file_too_complex"),
    "pdf of 60000 objects": Sent(_many_objects, "file_too_complex"),
    "jpeg above 10 MB": Sent(lambda: jpeg() + bytes(11 * 1024 * 1024), "file_too_large"),
    "mp4 of 50000 boxes": Sent(lambda: film(b"isom", *[box(b"free")] * 50_000), "file_too_complex"),
    # --- broken ---
    "truncated png": Sent(lambda: png()[: len(png()) // 2], "file_damaged"),
    "truncated jpeg": Sent(lambda: jpeg()[:1500], "file_damaged"),
    "truncated webp": Sent(lambda: webp()[: len(webp()) // 2], "file_damaged"),
    "truncated pdf": Sent(lambda: pdf()[:60], "file_damaged"),
    "truncated mp4": Sent(lambda: film()[:-40], "file_damaged"),
    "png head alone": Sent(lambda: b"\x89PNG\r\n\x1a\n", "file_damaged"),
    "jpeg head alone": Sent(lambda: b"\xff\xd8\xff\xe0", "file_damaged"),
    "pdf head alone": Sent(lambda: b"%PDF-1.7\n", "file_damaged"),
    "png with a wrong checksum": Sent(lambda: png()[:40] + b"\xff" + png()[41:], "file_damaged"),
    "pages in a ring": Sent(_ring, "file_damaged"),
    "mp4 with html behind it": Sent(lambda: film() + HTML, "file_damaged"),
    "mp4 without pictures": Sent(lambda: film(handler=b"text"), "file_damaged"),
    "mp4 of one box": Sent(lambda: box(b"ftyp", b"isom", bytes(4), b"isom"), "file_damaged"),
    "mp4 box beyond its end": Sent(
        lambda: film() + struct.pack(">I4s", 4096, b"free"), "file_damaged"
    ),
    # --- act ---
    "pdf locked": Sent(lambda: _locked("secret"), "file_encrypted"),
    "pdf locked for its owner alone": Sent(lambda: _locked(""), "file_encrypted"),
    "pdf with javascript": Sent(lambda: pdf_with(OpenAction=_SCRIPT), "file_active"),
    "pdf with javascript by name": Sent(
        lambda: pdf_with(Names=dictionary(JavaScript=dictionary(Names=["x", _SCRIPT]))), "file_active"
    ),
    "pdf with javascript on a page": Sent(lambda: pdf_with("page", AA=dictionary(O=_SCRIPT)), "file_active"),
    "pdf that launches": Sent(lambda: pdf_with(OpenAction=_LAUNCH), "file_active"),
    "pdf that launches in disguise": Sent(_hidden_launch, "file_active"),
    "pdf with an attachment": Sent(_attached, "file_active"),
    "pdf with xfa": Sent(lambda: pdf_with(AcroForm=dictionary(XFA="<xdp/>", Fields=[])), "file_active"),
    "pdf that submits": Sent(lambda: pdf_with(OpenAction=dictionary(S="/SubmitForm", F="x")), "file_active"),
    "mp4 with pictures elsewhere": Sent(lambda: film(self_contained=0), "file_active"),
}  # fmt: skip

# Names a file may be sent under, and what is shown for them.
NAMES = {
    "../../etc/passwd": "passwd.png",
    "..\\..\\windows\\system32\\a.png": "a.png",
    "a\x00b.png": "ab.png",
    "photo\u202egnp.exe": "photognp.png",
    "n" * 400 + ".png": "n" * 96 + ".png",
    "付款凭证 2026.png": "付款凭证 2026.png",
    "<script>alert(1)</script>.png": "script.png",
    'a"; filename="b.html': "a filename=b.png",
    ".htaccess": "htaccess.png",
    "CON.png": "CON.png",
    "a%2e%2e%2fb.png": "a2e2e2fb.png",
    "no extension": "no extension.png",
}
