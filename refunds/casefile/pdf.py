"""A document on A4 paper: laid out twice, so that the pages it names are known when it is written."""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

from django.utils.translation import gettext as _
from PIL import Image as Pictures
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    Image,
    LongTable,
    PageTemplate,
    Paragraph,
    Spacer,
)

from . import fonts
from .document import Block, Document, Exhibit, Rows, Table, Words, shown_at
from .proofs import PAGES

MARGIN = 18 * mm
WIDTH = A4[0] - 2 * MARGIN
PIECE = 240  # characters of one row: no row can be divided, and one must never be higher than a page
LINES = 6
PAUSE = re.compile(r"[\n 。，；！？、]")
THUMBNAIL = 34 * mm
INK, QUIET, RULE, SHADE = (colors.HexColor(each) for each in ("#1b1f24", "#5b6470", "#c9ced6", "#f3f5f7"))


def _style(name: str, size: float, leading: float, color: Any = INK, **more: Any) -> ParagraphStyle:
    return ParagraphStyle(
        name, fontName=fonts.NAME, fontSize=size, leading=leading, textColor=color, wordWrap="CJK", **more
    )


TITLE = _style("title", 17, 24, spaceAfter=4)
HEADING = _style("heading", 12.5, 18, spaceBefore=10, spaceAfter=4)
ITEM = _style("item", 10, 15)
TEXT = _style("text", 9.5, 14.5, spaceAfter=4)
SMALL = _style("small", 8.5, 12.5)
LABEL = _style("label", 8.5, 12.5, QUIET)
NOTE = _style("note", 9, 13.5, QUIET, spaceAfter=3)

Thumbnail = Callable[[str], bytes | None]  # the picture under a key, None where there is none


class Mark(Flowable):
    """Has no size; writes down the page it comes to lie on."""

    def __init__(self, name: str, pages: dict[str, int]) -> None:
        super().__init__()
        self.name, self.pages = name, pages
        self.width = self.height = 0

    def draw(self) -> None:
        self.pages[self.name] = self.canv.getPageNumber()


END = "end"


class Layout(NamedTuple):
    """One laying out: where marks came to lie the last time, and where they lie now."""

    document: Document
    thumbnail: Thumbnail
    before: dict[str, int]
    pages: dict[str, int]

    def story(self) -> Iterator[Flowable]:
        document = self.document
        yield Paragraph(_xml(document.title), TITLE)
        yield _facts(_cover(document))
        for note in document.notes:
            yield Spacer(0, 4)
            yield from _paragraphs(note, NOTE)
        for section in document.sections:
            yield CondPageBreak(40 * mm)
            yield Mark(section.mark, self.pages)
            yield Paragraph(_xml(section.title), HEADING)
            for block in section.blocks:
                yield from self.block(block)
        yield Mark(END, self.pages)

    def block(self, block: Block) -> Iterator[Flowable]:
        if isinstance(block, Words):
            yield from _paragraphs(block.text, NOTE if block.is_quiet else TEXT)
        elif isinstance(block, Rows):
            yield _facts(block.rows)
            yield Spacer(0, 6)
        elif isinstance(block, Table):
            yield self.table(block)
            yield Spacer(0, 6)
        else:
            yield from self.exhibit(block)

    def table(self, block: Table) -> Flowable:
        records = [_record([self.named_pages(cell) for cell in cells]) for cells in block.rows]
        return _grid(records, block.widths, block.head)

    def named_pages(self, cell: str) -> str:
        """The pages of a mark's matter: to where the next section begins, or its own page of a single item."""
        if not cell.startswith(PAGES):
            return cell
        mark = cell.removeprefix(PAGES)
        first = self.before.get(mark, 1)
        marks = [section.mark for section in self.document.sections]
        if mark not in marks:
            return str(first)
        after = [*marks, END][marks.index(mark) + 1]
        last = max(first, self.before.get(after, first))
        return str(first) if first == last else f"{first}–{last}"

    def exhibit(self, block: Exhibit) -> Iterator[Flowable]:
        yield CondPageBreak((90 if block.thumbnail else 50) * mm)
        yield Mark(block.mark, self.pages)
        yield Paragraph(_xml(block.title), ITEM)
        picture = _picture(self.thumbnail(block.thumbnail)) if block.thumbnail else None
        if picture is not None:
            picture.hAlign = "LEFT"
            yield picture
            yield Spacer(0, 3)
        yield _facts(block.rows)
        yield Spacer(0, 8)


def write_pdf(document: Document, path: Path, thumbnail: Thumbnail) -> int:
    """Lay the document out into a file; how many pages it has. Same document, same bytes."""
    fonts.known()
    before: dict[str, int] = {}
    for _round in range(2):
        pages: dict[str, int] = {}
        _write(Layout(document, thumbnail, before, pages), path)
        before = pages
    return before[END]


def _write(layout: Layout, path: Path) -> None:
    document = layout.document
    template = BaseDocTemplate(
        str(path),
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=22 * mm,
        bottomMargin=20 * mm,
        title=fonts.printable(f"{document.number} {document.title}"),
        author="Recourse",
        subject=fonts.printable(document.prepared_for),
        lang="zh-CN" if document.language.startswith("zh") else "en",
        invariant=1,  # no clock and no random number of its own
    )
    frame = Frame(MARGIN, 20 * mm, WIDTH, A4[1] - 42 * mm, 0, 0, 0, 0)
    template.addPageTemplates([PageTemplate("page", [frame], onPage=_furniture(layout))])
    template.build(list(layout.story()))


def _furniture(layout: Layout) -> Callable[[Any, Any], None]:
    """Head and foot of each page."""
    document, total = layout.document, layout.before.get(END, 0)
    head = fonts.printable(f"{document.number} · {document.title}")
    made = fonts.printable(_("Generated %(at)s, Beijing time") % {"at": shown_at(document.generated_at)})

    def draw(canvas: Any, _template: Any) -> None:
        canvas.setDateFormatter(lambda *_now: _pdf_date(document.generated_at))
        canvas.setFont(fonts.NAME, 8)
        canvas.setFillColor(QUIET)
        canvas.drawString(MARGIN, A4[1] - 14 * mm, head)
        canvas.drawRightString(A4[0] - MARGIN, A4[1] - 14 * mm, made)
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.5)
        canvas.line(MARGIN, A4[1] - 16.5 * mm, A4[0] - MARGIN, A4[1] - 16.5 * mm)
        page = _("Page %(page)s of %(total)s") % {"page": canvas.getPageNumber(), "total": total}
        canvas.drawCentredString(A4[0] / 2, 11 * mm, fonts.printable(page))

    return draw


def _pdf_date(at: datetime) -> str:
    return f"D:{at:%Y%m%d%H%M%S}+00'00'"


def _cover(document: Document) -> list[tuple[str, str]]:
    return [
        (_("Case"), document.number),
        (_("Prepared for"), document.prepared_for),
        (_("Generated"), shown_at(document.generated_at) + " (UTC+8)"),
    ]


Record = list[list[Any]]  # the rows of a table that belong together; only a long text takes more than one


def _grid(records: Sequence[Record], widths: Sequence[int], head: Sequence[str] = ()) -> LongTable:
    rows: list[list[Any]] = [[_cell(name, LABEL) for name in head]] if head else []
    style: list[Any] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 4),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ("TOPPADDING", (0, 0), (-1, -1), 0),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
    ]
    if head:
        style += [("BACKGROUND", (0, 0), (-1, 0), SHADE), *_edges(0, 0)]
    for record in records:
        style += _edges(len(rows), len(rows) + len(record) - 1)
        rows += record
    columns = [WIDTH * share / sum(widths) for share in widths]
    return LongTable(rows, colWidths=columns, repeatRows=1 if head else 0, style=style)


def _edges(first: int, last: int) -> list[Any]:
    """Room above and below a record, and a rule under it."""
    return [
        ("TOPPADDING", (0, first), (-1, first), 2.5),
        ("BOTTOMPADDING", (0, last), (-1, last), 3.5),
        ("LINEBELOW", (0, last), (-1, last), 0.4, RULE),
    ]


def _record(cells: Sequence[str], first: ParagraphStyle = SMALL) -> Record:
    """One row, or several where a cell has more to say than a row should hold; short cells are not repeated."""
    pieces = [_pieces(cell) for cell in cells]
    return [
        [
            _cell(column[row] if row < len(column) else "", SMALL if i else first)
            for i, column in enumerate(pieces)
        ]
        for row in range(max(map(len, pieces)))
    ]


def _facts(pairs: Sequence[tuple[str, str]]) -> LongTable:
    return _grid([_record(pair, LABEL) for pair in pairs], [25, 75])


def _pieces(text: str) -> list[str]:
    """Of a long text: at most PIECE characters and LINES lines each, cut where a sentence or a word ends."""
    found, lines = [], fonts.printable(text).split("\n")
    for start in range(0, len(lines), LINES):
        part = "\n".join(lines[start : start + LINES])
        while len(part) > PIECE:
            ends = [end.end() for end in PAUSE.finditer(part, PIECE // 2, PIECE)]
            at = ends[-1] if ends else PIECE
            found.append(part[:at])
            part = part[at:]
        found.append(part)
    return found


def _cell(text: str, style: ParagraphStyle = SMALL) -> list[Flowable]:
    return list(_lines(text, style))


def _paragraphs(text: str, style: ParagraphStyle) -> Iterator[Flowable]:
    for piece in _pieces(text):
        yield from _lines(piece, style)


def _lines(text: str, style: ParagraphStyle) -> Iterator[Flowable]:
    """A paragraph for each line: the text is plain, and no mark-up of its own counts."""
    for line in text.split("\n"):
        yield Paragraph(_xml(line) or "&nbsp;", style)


def _xml(text: str) -> str:
    return escape(fonts.printable(text))


def _picture(stored: bytes | None) -> Image | None:
    """A thumbnail as JPEG, which goes into the document as it is; None where it cannot be read."""
    if stored is None:
        return None
    try:
        with Pictures.open(io.BytesIO(stored)) as picture:
            width, height = picture.size
            ground = Pictures.new("RGB", picture.size, "white")
            ground.paste(picture.convert("RGBA"), mask=picture.convert("RGBA").getchannel("A"))
    except (OSError, ValueError, Pictures.DecompressionBombError):
        return None
    jpeg = io.BytesIO()
    ground.save(jpeg, "JPEG", quality=80)
    jpeg.seek(0)
    scale = min(THUMBNAIL / height, WIDTH / 2 / width, 1)
    return Image(jpeg, width * scale, height * scale)
