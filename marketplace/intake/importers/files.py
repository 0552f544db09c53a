"""Files as shops export them: unknown encoding, quotes and line breaks in fields, read as a stream."""

import codecs
import csv
import io
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, TextIO

from django.utils.translation import gettext as _

from marketplace.intake.batches import BadRow

CHUNK = 1 << 20
csv.field_size_limit(1 << 20)  # a stray quote swallows the rows behind it: at most this much of them


class CannotRead(Exception):
    """The file as a whole cannot be imported; the message says what to do."""


class CsvRow(NamedTuple):
    line: int
    fields: dict[str, str]
    raw: str


class Source:
    """An open file and how far it was read."""

    def __init__(self, path: Path) -> None:
        try:
            self.binary: BinaryIO = path.open("rb")
        except OSError as error:
            why = {"path": path, "why": error.strerror}
            raise CannotRead(_("%(path)s cannot be read: %(why)s.") % why) from error
        self.size = path.stat().st_size
        self.encoding = _detect(self.binary)
        # What is neither encoding is marked by lone surrogates, and the rows that hold any are bad.
        self.text: TextIO = io.TextIOWrapper(
            self.binary,
            self.encoding,
            errors="surrogateescape",
            newline="",
        )

    @property
    def position(self) -> int:
        return self.binary.tell()

    def close(self) -> None:
        self.text.close()


def _detect(binary: BinaryIO) -> str:
    """A byte order mark decides; else UTF-8 where all of it is, else what Chinese Excel writes, else UTF-8."""
    head = binary.read(3)
    try:
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if head == codecs.BOM_UTF8:
            return "utf-8-sig"
        return next((name for name in ("utf-8", "gb18030") if _is_all(binary, name)), "utf-8")
    finally:
        binary.seek(0)


def _is_all(binary: BinaryIO, encoding: str) -> bool:
    binary.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while chunk := binary.read(CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def csv_rows(text: TextIO, required: Collection[str]) -> Iterator[CsvRow | BadRow]:
    """Rows by column name. Raises CannotRead for an empty file or a header without the `required` columns."""
    reader = csv.reader(text)
    header = [name.strip().lower() for name in next(reader, [])]
    if not any(header):
        raise CannotRead(_("The file is empty. Export it again with its header row."))
    missing = [name for name in required if name not in header]
    if missing:
        text_ = _(
            "The header lacks: %(missing)s. It has: %(found)s. Export it with a header row, or name its --format."
        )
        raise CannotRead(text_ % {"missing": ", ".join(missing), "found": ", ".join(header)[:500]})
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reason = _("The row cannot be read (%(why)s). Look for a quote that is not closed.") % {
                "why": error
            }
            yield BadRow(line, "", "", reason, "")
            continue
        if row:
            yield _row(line, header, row)


def _row(line: int, header: list[str], row: list[str]) -> CsvRow | BadRow:
    raw = ",".join(row)
    if len(row) != len(header):
        reason = _(
            "%(given)s fields, but the header has %(wanted)s. Quote fields that hold commas or line breaks."
        )
        return BadRow(line, "", "", reason % {"given": len(row), "wanted": len(header)}, _as_csv(row))
    if fault := text_fault(raw):
        field = next(name for name, value in zip(header, row, strict=True) if text_fault(value))
        return BadRow(line, field, "", fault, _as_csv(row))
    return CsvRow(line, {name: value.strip() for name, value in zip(header, row, strict=True)}, _as_csv(row))


def text_fault(text: str) -> str:
    """Why a text cannot be kept; "" when it can."""
    if text.isascii():
        return _("The text holds a NUL character.") if "\0" in text else ""
    if "\0" in text:
        return _("The text holds a NUL character.")
    try:
        text.encode()
    except UnicodeEncodeError:
        return _("The text is neither UTF-8 nor GB18030. Correct it, or export the file again as UTF-8.")
    return ""


def _as_csv(row: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(row)
    return out.getvalue()
