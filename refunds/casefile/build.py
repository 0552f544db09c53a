"""From the rows of a case to its document and its archive, on disk."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketplace.kernel.errors import Text
from marketplace.kernel.money import Money
from marketplace.kernel.serializers import instant

from ..models.case_files import Reader
from . import parts, proofs
from .data import messages_json, order_json, timeline_csv, timeline_json
from .document import Block, Case, Document, Mask, Packed, Section
from .pdf import write_pdf
from .purposes import CONTENTS, Part, Purpose, view_for, warning
from .reading import Record
from .timeline import timeline
from .views import WITHHELD, View
from .zip import MANIFEST, PDF, SUMS, Archive, Listed, as_json, pack, path_in_archive, sums, thumbnail

GENERATOR = "Recourse case file 1"  # the number goes up where the same case would come out differently

BLOCKS: dict[Part, Callable[[Case], list[Block]]] = {
    Part.PARTICULARS: proofs.particulars,
    Part.REPORT: proofs.report,
    Part.CATALOGUE: proofs.catalogue,
    Part.PARTIES: parts.parties,
    Part.ORDER: parts.order,
    Part.PAYMENTS: parts.payments,
    Part.CLAIM: parts.claim,
    Part.USE: parts.use,
    Part.TIMELINE: parts.time_line,
    Part.DECISIONS: parts.decisions,
    Part.EVIDENCE: proofs.evidence,
    Part.CHAT: parts.chat,
    Part.MONEY: parts.money_back,
    Part.DISPUTES: parts.disputes,
}
READERS: dict[str, Text] = {
    Reader.STAFF: gettext_lazy("Prepared by the platform."),
    Reader.SELLER: gettext_lazy("Prepared for the seller: what the seller may see of the case."),
    Reader.BUYER: gettext_lazy("Prepared for the buyer: what the buyer may see of the case."),
}


class Wanted(NamedTuple):
    """What is asked for."""

    purpose: str
    language: str
    reader: Reader
    is_internal: bool
    at: datetime


class Built(NamedTuple):
    archive: Path
    pdf: Path
    pages: int
    manifest_sha256: str
    pdf_sha256: str


def build(record: Record, wanted: Wanted, folder: Path) -> Built:
    """Write both into an empty folder, in the language that is active."""
    view = view_for(wanted.reader, wanted.purpose, is_internal=wanted.is_internal)
    mask = Mask(record.fingerprints)
    archive = Archive(folder / "case.zip", wanted.at)
    case = Case(
        record=record,
        view=view,
        purpose=wanted.purpose,
        mask=mask,
        entries=[entry._replace(text=mask(entry.text)) for entry in timeline(record.facts(), view)],
        packed=_pack(archive, record, view),
    )
    archive.add_text("timeline.json", as_json(timeline_json(case)))
    archive.add_text("timeline.csv", timeline_csv(case))
    archive.add_text("order.json", as_json(order_json(case)))
    archive.add_text("messages.json", as_json(messages_json(case)))
    contents = sorted(archive.listed)
    manifest = archive.add_text(MANIFEST, as_json(_manifest(case, wanted, contents)))
    pdf = folder / PDF
    pages = write_pdf(_document(case, wanted, manifest.sha256, contents), pdf, _once(thumbnail))
    with pdf.open("rb") as file:
        printed = archive.add(PDF, file)
    archive.add_text(SUMS, sums(archive.listed))
    archive.close()
    return Built(folder / "case.zip", pdf, pages, manifest.sha256, printed.sha256)


def bytes_to_pack(record: Record) -> int:
    """Of the files an archive would take."""
    return sum(row.size for row in record.request.evidence.all() if row.kind not in WITHHELD)


def _pack(archive: Archive, record: Record, view: View) -> list[Packed]:
    packed, room = [], settings.CASE_FILE_MAX_BYTES
    for row in record.request.evidence.all():
        if view.sees_evidence(row):
            reason = pack(archive, row, room)
            packed.append(Packed(row, "" if reason else path_in_archive(row), reason))
            room -= 0 if reason else row.size
    return packed


def _manifest(case: Case, wanted: Wanted, contents: list[Listed]) -> dict[str, Any]:
    request = case.record.request
    return {
        "case": request.number,
        "order": request.order.no,
        "amount": Money(request.amount, request.currency).json(),
        "generated_at": instant(wanted.at),
        "generator": GENERATOR,
        "prepared_for": wanted.purpose,
        "view_of": wanted.reader.value,
        "with_internal_notes": case.view.is_internal,
        "language": wanted.language,
        "files": [each._asdict() for each in contents],
        "left_out": [
            {
                "evidence": packed.evidence.position,
                "kind": packed.evidence.kind,
                "name": packed.evidence.name,
                "sha256": bytes(packed.evidence.sha256).hex(),
                "reason": packed.reason,
            }
            for packed in case.packed
            if packed.reason
        ],
    }


def _document(case: Case, wanted: Wanted, manifest_sha256: str, contents: list[Listed]) -> Document:
    content, request = CONTENTS[wanted.purpose], case.record.request
    purpose = str(Purpose(wanted.purpose).label)
    times = _("Times are Beijing time (UTC+8).")
    notes = [str(content.what_for), f"{READERS[wanted.reader]} {times}"]
    if doubt := warning(wanted.purpose, request):
        notes.append(_("Note: %(warning)s") % {"warning": doubt})
    if case.view.is_internal:
        notes.append(_("With internal notes: not to be handed to a party."))
    return Document(
        number=request.number,
        title=_("Case file: %(purpose)s") % {"purpose": purpose},
        prepared_for=purpose,
        generated_at=wanted.at,
        language=wanted.language,
        notes=notes,
        sections=[
            Section(part, f"{n}. {part.label}", _blocks(case, part, manifest_sha256, contents))
            for n, part in enumerate(content.parts, start=1)
        ],
    )


def _blocks(case: Case, part: Part, manifest_sha256: str, contents: list[Listed]) -> list[Block]:
    if part == Part.SEAL:
        return proofs.seal(case, manifest_sha256, contents)
    return BLOCKS[part](case)


def _once(read: Callable[[str], bytes | None]) -> Callable[[str], bytes | None]:
    """Laying out twice reads each picture once."""
    known: dict[str, bytes | None] = {}

    def cached(key: str) -> bytes | None:
        if key not in known:
            known[key] = read(key)
        return known[key]

    return cached
