"""The parts that prove: the evidence, a court's catalogue of it, the forms of a complaint and a report, the hashes."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketplace.kernel.errors import Text
from marketplace.kernel.templatetags.recourse import money

from ..evidence import storage
from ..machine import Party
from ..models import Evidence
from ..models.case_files import Reader
from ..models.evidence import kind_label
from ..policy import EVIDENCE_KINDS
from .document import Block, Case, Exhibit, Packed, Rows, Table, Words, filled, shown_at
from .parts import buyer_name, seller_name
from .purposes import Part
from .views import WITHHELD

BLANK = "________________"
PAGES = "page:"  # see Table

# What each group of evidence speaks for (requirement D1).
PROVES: dict[str, Text] = {
    "transaction": gettext_lazy("The trade and its payment"),
    "goods": gettext_lazy("The state of the goods"),
    "breach": gettext_lazy("The breach"),
    "person": gettext_lazy("Who the parties are"),
}
RECORDS: dict[Part, Text] = {
    Part.ORDER: gettext_lazy("What was bought, and on which terms as shown at purchase"),
    Part.PAYMENTS: gettext_lazy("That the price was paid, when and by which way"),
    Part.USE: gettext_lazy("When the goods were delivered, revealed and used"),
    Part.TIMELINE: gettext_lazy("The course of the case"),
    Part.DECISIONS: gettext_lazy("What was decided, and on what grounds"),
    Part.CHAT: gettext_lazy("What the parties said to each other"),
    Part.MONEY: gettext_lazy("What was paid back"),
}
REASONS: dict[str, Text] = {
    "identity": gettext_lazy("an identity document; it leaves the house in no file"),
    "missing": gettext_lazy("not found in the storage"),
    "altered": gettext_lazy("its content does not agree with the hash taken when it came in"),
    "over_limit": gettext_lazy("the files of this case are too large for one archive"),
}


def evidence(case: Case) -> list[Block]:
    blocks: list[Block] = [_exhibit(case, packed) for packed in case.packed]
    return blocks or [Words(_("Nobody has given a file."), is_quiet=True)]


def _exhibit(case: Case, packed: Packed) -> Exhibit:
    row = packed.evidence
    rows = filled(
        [
            (_("Given"), f"{shown_at(row.at)} · {case.view.who(row, row.by)}"),
            (_("File"), packed.path or row.name),
            (_("Size"), f"{row.size:,} B · {row.media_type}{_pages(row)}"),
            (_("SHA-256 as sent"), bytes(row.original_sha256).hex()),
            (_("SHA-256 as kept"), bytes(row.sha256).hex()),
            (_("Not in the archive"), REASONS[packed.reason] if packed.reason else ""),
            (_("Note"), case.mask(row.note)),
        ]
    )
    has_picture = row.is_image and row.kind not in WITHHELD and packed.reason != "altered"
    thumbnail = storage.small_key(row.key) if has_picture else ""
    return Exhibit(mark_of(row), f"{row.position}. {kind_label(row.kind)}", rows, thumbnail)


def _pages(row: Evidence) -> str:
    return " · " + _("%(n)s pages") % {"n": row.pages} if row.pages else ""


def mark_of(row: Evidence) -> str:
    return f"evidence:{row.position}"


def catalogue(case: Case) -> list[Block]:
    """证据目录: each item with its source, what it proves, and the pages of this document where it stands."""
    rows: list[list[str]] = []
    platform = _("The platform's records")
    for part, proves in RECORDS.items():
        if part in case.content.parts:
            rows.append([str(len(rows) + 1), str(part.label), platform, str(proves), PAGES + part])
    for packed in case.packed:
        row = packed.evidence
        proves = str(PROVES[EVIDENCE_KINDS[row.kind].group])
        note = case.mask(row.note)
        rows.append(
            [
                str(len(rows) + 1),
                f"{kind_label(row.kind)}\n{packed.path or row.name}",
                case.view.who(row, row.by),
                f"{proves}\n{note}" if note else proves,
                PAGES + mark_of(row),
            ]
        )
    head = [_("No."), _("Evidence"), _("Source"), _("What it proves"), _("Pages")]
    return [
        Table(head, [7, 33, 18, 32, 10], rows),
        Rows([(_("Handed in by"), BLANK), (_("Date"), BLANK), (_("Received by"), BLANK)]),
    ]


def particulars(case: Case) -> list[Block]:
    """A complaint to 12315: complainant, respondent, claim, facts. What we do not know is left to be filled in."""
    request = case.record.request
    return [
        Words(_("Complainant"), is_quiet=True),
        Rows(
            filled(
                [
                    (_("Name"), BLANK),
                    (_("Phone"), case.mask(request.buyer.phone) if _is_not_seller(case) else BLANK),
                    (_("Address"), BLANK),
                    (_("Known to the platform as"), buyer_name(case)),
                ]
            )
        ),
        Words(_("Respondent"), is_quiet=True),
        Rows(
            filled(
                [
                    (_("Seller"), seller_name(case)),
                    (_("Shop"), request.order.shop.name),
                    (_("Order"), f"{request.order.no} · {request.order.external_no}"),
                ]
            )
        ),
        Words(_("Claim"), is_quiet=True),
        Rows(_claimed(case)),
        Words(_("Facts and grounds"), is_quiet=True),
        Words(case.mask(request.description) or _("The buyer left no description.")),
        Rows([(_("Signature"), BLANK), (_("Date"), BLANK)]),
    ]


def report(case: Case) -> list[Block]:
    """A report to the police: the loss, and what is on record of who took part."""
    request, order = case.record.request, case.record.request.order
    known: list[tuple[object, object]] = [
        (_("Reported by"), BLANK),
        (_("Phone"), BLANK),
        (_("Loss"), money(request.amount, request.currency)),
        (_("Paid"), shown_at(order.paid_at)),
        (_("Reason"), request.get_reason_display()),
        (_("Seller"), seller_name(case)),
        (_("Goods went to"), case.mask(order.target.get("account"))),
    ]
    if case.view.sees_devices:
        known += [
            (_("Device of the buyer's account"), request.buyer.device),
            (_("Address of the buyer's account"), request.buyer.ip),
        ]
    facts = case.mask(request.description) or _("The buyer left no description.")
    return [Rows(filled(known)), Words(_("Facts"), is_quiet=True), Words(facts)]


def _is_not_seller(case: Case) -> bool:
    return case.view.reader != Reader.SELLER and bool(case.record.request.buyer.phone)


def _claimed(case: Case) -> list[tuple[str, str]]:
    request = case.record.request
    answered = [move for move in request.transitions.all() if move.actor == Party.SELLER]
    return filled(
        [
            (_("Asked for"), f"{request.get_remedy_display()} · {money(request.amount, request.currency)}"),
            (_("Reason"), request.get_reason_display()),
            (_("Filed with the platform"), f"{request.number} · {shown_at(request.filed_at)}"),
            (_("Seller's last answer"), shown_at(answered[-1].at) if answered else ""),
            (_("State"), request.get_state_display()),
        ]
    )


def seal(case: Case, manifest_sha256: str, listed: Sequence[tuple[str, int, str]]) -> list[Block]:
    """The files beside this document. Its own hash cannot stand in it: MANIFEST.sha256 has it."""
    rows = [[name, f"{size:,}", sha256] for name, size, sha256 in listed]
    left_out = [
        [f"{packed.evidence.position}. {kind_label(packed.evidence.kind)}", str(REASONS[packed.reason])]
        for packed in case.packed
        if packed.reason
    ]
    blocks: list[Block] = [
        Words(
            _(
                "The archive this document belongs to holds the files below and manifest.json, which lists them. "
                "Who has both can check every byte: sha256sum -c MANIFEST.sha256."
            )
        ),
        Rows([(_("SHA-256 of manifest.json"), manifest_sha256)]),
        Table([_("File"), _("Bytes"), "SHA-256"], [38, 14, 48], rows),
    ]
    if left_out:
        blocks.append(Table([_("Left out"), _("Why")], [40, 60], left_out))
    return blocks
