"""PDF: its pages are copied into a new document, and nothing else of the file is.

What acts is refused rather than cut out: scripts, programs to start, attachments, XFA forms and media have no place
in a receipt, and a page that needed them would show something else without them. What merely tells (metadata,
outlines, links, the page to open at) is left behind. A digital signature does not survive this; the original's hash
is kept, so that the giver's own copy can be held against it.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    IndirectObject,
    NameObject,
    PdfObject,
    StreamObject,
)

from .cleaned import Cleaned, Limits
from .faults import Fault, Unacceptable

# Kinds of action and of annotation that act, and keys that carry such things, with the word they are reported by.
ACTS: Final = {
    "/JavaScript": "JavaScript",
    "/Launch": "launch",
    "/ImportData": "form",
    "/SubmitForm": "form",
    "/Rendition": "media",
    "/RichMediaExecute": "media",
    "/GoToE": "attachment",
    "/GoToR": "other file",
    "/FileAttachment": "attachment",
    "/RichMedia": "media",
    "/Screen": "media",
    "/Movie": "media",
    "/Sound": "media",
    "/3D": "media",
}
CARRIES: Final = {
    "/JS": "JavaScript",
    "/JavaScript": "JavaScript",
    "/XFA": "XFA form",
    "/EmbeddedFiles": "attachment",
    "/EF": "attachment",
    "/RichMediaContent": "media",
}
TELLS: Final = (
    "/Metadata", "/PieceInfo", "/LastModified", "/AA", "/A", "/OPI", "/Alternates", "/Thumb", "/StructParents",
    "/StructParent", "/AF", "/ID", "/PZ", "/Trans", "/Dur", "/B", "/Tabs", "/PresSteps", "/SeparationInfo", "/VP",
)  # fmt: skip
DRAWN: Final = ("/Rect", "/AP", "/AS", "/F", "/C", "/Border", "/BS", "/CA")  # how an annotation looks
MOST_OBJECTS = 50_000
MOST_INFLATED = 256 * 1024 * 1024  # bytes, of all streams together
INFLATE_STEP = 1024 * 1024


def clean(source: Path, target: Path, limits: Limits) -> Cleaned:
    """Write the pages of `source` to `target`. Raises Unacceptable."""
    try:
        with source.open("rb") as file:
            reader = PdfReader(file, root_object_recovery_limit=1000)
            if reader.is_encrypted:
                raise Unacceptable(Fault.ENCRYPTED)
            _inspect(reader)
            pages = len(reader.pages)
            if pages == 0:
                raise Unacceptable(Fault.DAMAGED)
            if pages > limits.pages:
                raise Unacceptable(Fault.TOO_MANY_PAGES, pages=pages, at_most=limits.pages)
            _copy(reader, target)
    except (RecursionError, MemoryError) as error:
        raise Unacceptable(Fault.TOO_COMPLEX) from error
    except PyPdfError as error:
        raise Unacceptable(Fault.DAMAGED) from error
    return Cleaned(pages=pages)


def _inspect(reader: PdfReader) -> None:
    found: set[str] = set()
    inflated = 0
    for thing in _things(reader):
        for key, value in thing.items():
            if key in CARRIES:
                found.add(CARRIES[key])
            elif key in ("/S", "/Subtype") and (act := ACTS.get(str(value.get_object()))):
                found.add(act)
        if isinstance(thing, StreamObject):
            inflated += _inflated(thing, MOST_INFLATED - inflated)
    if found:
        raise Unacceptable(Fault.ACTIVE, found=sorted(found))


def _things(reader: PdfReader) -> Iterator[DictionaryObject]:
    """Every dictionary and stream that can be reached from the trailer, each once, without recursion."""
    waiting: list[Any] = [reader.trailer]
    seen: set[tuple[int, int]] = set()
    met = 0
    while waiting:
        thing = waiting.pop()
        met += 1
        if met > 20 * MOST_OBJECTS or len(seen) > MOST_OBJECTS:
            raise Unacceptable(Fault.TOO_COMPLEX)
        if isinstance(thing, IndirectObject):
            place = (thing.idnum, thing.generation)
            if place in seen:
                continue
            seen.add(place)
            thing = thing.get_object()
        if isinstance(thing, DictionaryObject):
            yield thing
            waiting.extend(dict.values(thing))  # as they stand: DictionaryObject would follow each reference
        elif isinstance(thing, ArrayObject):
            waiting.extend(list.__iter__(thing))


def _inflated(stream: StreamObject, most: int) -> int:
    """Bytes a deflated stream grows to. Raises Unacceptable beyond `most`, and for deflate within deflate."""
    filters = stream.get("/Filter", [])
    names = [str(name) for name in (filters if isinstance(filters, list) else [filters])]
    deflated = sum(name in ("/FlateDecode", "/Fl") for name in names)
    if deflated > 1 or len(names) > 4:
        raise Unacceptable(Fault.TOO_COMPLEX)
    if not names or names[0] not in ("/FlateDecode", "/Fl"):
        return len(stream._data)
    inflater, size, rest = zlib.decompressobj(), 0, stream._data
    while rest and not inflater.eof:
        try:
            size += len(inflater.decompress(rest, INFLATE_STEP))
        except zlib.error:  # a viewer shows what came before the damage
            break
        if size > most:
            raise Unacceptable(Fault.TOO_COMPLEX)
        rest = inflater.unconsumed_tail
    return size


def _copy(reader: PdfReader, target: Path) -> None:
    writer = PdfWriter()
    for page in reader.pages:
        page[NameObject("/Annots")] = ArrayObject(_drawn(page))
        writer.add_page(page, excluded_keys=TELLS)
    for thing in writer._objects:
        if isinstance(thing, DictionaryObject):
            for key in TELLS:
                if key in thing and not (key == "/B" and thing.get("/Type") != "/Page"):
                    del thing[key]
    writer.metadata = None
    writer.write(target)


def _drawn(page: DictionaryObject) -> Iterator[PdfObject]:
    """Stamps and filled-in fields as what they look like: links go, and nothing can be clicked."""
    for reference in page.get("/Annots") or ():
        annotation = reference.get_object()
        if isinstance(annotation, DictionaryObject) and "/AP" in annotation:
            look = DictionaryObject({NameObject("/Type"): NameObject("/Annot")})
            look[NameObject("/Subtype")] = NameObject("/Stamp")
            for key in DRAWN:
                if key in annotation:
                    look[NameObject(key)] = annotation.raw_get(key)
            yield look
