"""What a case file says, before it is laid out: sections of facts, tables and texts, in the reader's words."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.utils import timezone

from ..masking import masked
from ..models import Evidence
from ..models.case_files import Reader
from .purposes import CONTENTS, Content
from .reading import Record
from .timeline import Entry
from .views import View


class Rows(NamedTuple):
    """Names and values, one under the other."""

    rows: list[tuple[str, str]]


class Table(NamedTuple):
    """`widths` are shares of the page. A cell `page:<mark>` becomes the pages on which that mark's matter stands."""

    head: list[str]
    widths: list[int]
    rows: list[list[str]]


class Words(NamedTuple):
    text: str
    is_quiet: bool = False


class Exhibit(NamedTuple):
    """A file of the evidence: its facts, and the key of the picture shown beside them ("" for none)."""

    mark: str
    title: str
    rows: list[tuple[str, str]]
    thumbnail: str = ""


Block = Rows | Table | Words | Exhibit


class Section(NamedTuple):
    mark: str
    title: str
    blocks: list[Block]


class Packed(NamedTuple):
    """What became of a file of the evidence: its path in the archive, or why it is not in it."""

    evidence: Evidence
    path: str
    reason: str = ""


class Case(NamedTuple):
    """All that the parts are made from."""

    record: Record
    view: View
    purpose: str
    mask: "Mask"
    entries: list[Entry]  # of the time-line, masked
    packed: list[Packed]  # the evidence this reader sees

    @property
    def content(self) -> Content:
        return CONTENTS[self.purpose]

    @property
    def masks_seller(self) -> bool:
        return self.content.seller_masked and self.view.reader != Reader.SELLER


class Document(NamedTuple):
    number: str
    title: str
    prepared_for: str
    generated_at: datetime
    language: str
    notes: list[str]  # above everything: what it is, and what speaks against using it
    sections: list[Section]


class Mask:
    """`masked` with the codes of one order."""

    def __init__(self, fingerprints: frozenset[bytes]) -> None:
        self.fingerprints = fingerprints

    def __call__(self, text: object) -> str:
        return masked(str(text or ""), self.fingerprints)


def shown_at(at: datetime | None) -> str:
    """Beijing time, to the second."""
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S}" if at else "–"


def filled(rows: Iterable[tuple[object, object]]) -> list[tuple[str, str]]:
    """Without those that have no value."""
    return [(str(name), str(value)) for name, value in rows if value not in (None, "")]
