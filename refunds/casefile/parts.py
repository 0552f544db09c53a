"""The parts that tell the case: who, what was bought and paid, what is claimed, what happened, what was said."""

from collections.abc import Iterator, Mapping

from django.utils.translation import gettext as _

from marketplace.kernel.templatetags.recourse import money
from marketplace.orders.models import Unit

from ..faults import Fault, Outcome
from ..findings import findings_json
from ..machine import Party
from ..models.case_files import Reader
from .document import Block, Case, Rows, Table, Words, filled, shown_at
from .words import OUTCOMES, PAYMENT_DETAILS, RESULTS, TARGETS, TERMS

NOTHING = "–"
SAID = frozenset({"message", "note"})
EXCERPT = 100  # characters


def parties(case: Case) -> list[Block]:
    order, buyer = case.record.request.order, case.record.request.buyer
    rows: list[tuple[object, object]] = [(_("Buyer"), buyer_name(case)), (_("Buyer's region"), order.region)]
    if case.view.reader != Reader.SELLER:
        rows += [(_("Buyer's e-mail"), case.mask(buyer.email)), (_("Buyer's phone"), case.mask(buyer.phone))]
    rows += [(_("Seller"), seller_name(case)), (_("Shop"), order.shop.name)]
    return [Rows(filled(rows))]


def buyer_name(case: Case) -> str:
    """The seller knows a buyer by the order alone."""
    if case.view.reader == Reader.SELLER:
        return _("The buyer of order %(order)s") % {"order": case.record.request.order.external_no}
    return case.mask(case.record.request.buyer)


def seller_name(case: Case) -> str:
    seller = case.record.request.seller
    if case.masks_seller:
        return _("Seller %(code)s") % {"code": seller.code}
    return str(seller)


def order(case: Case) -> list[Block]:
    bought = case.record.request.order
    snapshot, consent = bought.snapshot, bought.consent or {}
    rows = filled(
        [
            (_("Order"), bought.no),
            (_("Shop's order number"), bought.external_no),
            (_("Goods"), f"{bought.title} × {bought.quantity}"),
            (_("Goods type"), bought.get_goods_type_display()),
            (_("Total"), money(bought.total, bought.currency)),
            (_("Exchange rate to CNY"), bought.fx_rate.normalize() if bought.fx_rate else ""),
            (_("Placed"), shown_at(bought.placed_at)),
            (_("Paid"), shown_at(bought.paid_at)),
            (_("Completed"), shown_at(bought.completed_at)),
            *((label, case.mask(bought.target.get(name))) for name, label in TARGETS.items()),
            (_("Phone number"), case.mask(bought.target.get("phone"))),
            *terms(snapshot.get("terms") or {}),
            (_("Consent to immediate delivery"), consent.get("text")),
            (_("Consented at"), consent.get("at")),
        ]
    )
    page = str(snapshot.get("page_text") or "")
    return [
        Rows(rows),
        Words(_("Page text"), is_quiet=True),
        Words(page or _("No text of the page is on record.")),
    ]


def terms(stated: Mapping[str, object]) -> Iterator[tuple[object, object]]:
    """As the page promised them: zero days are no promise."""
    conditions = stated.get("conditions") or []
    assert isinstance(conditions, list)
    known = {**stated, **{each["code"]: each.get("value") for each in conditions}}
    for name, label in TERMS.items():
        if name in known and known[name] != 0:
            yield label, _("yes") if known[name] is None else known[name]


def payments(case: Case) -> list[Block]:
    if not case.record.captures:
        return [Words(_("No payment is on record."), is_quiet=True)]
    rows = [
        [
            shown_at(capture.captured_at),
            str(capture.get_channel_display()),
            capture.channel_no if case.view.sees_devices else f"····{capture.channel_no[-4:]}",
            money(capture.amount, capture.currency),
        ]
        for capture in case.record.captures
    ]
    return [Table([_("At"), _("Channel"), _("Channel's number"), _("Amount")], [22, 20, 38, 20], rows)]


def claim(case: Case) -> list[Block]:
    request = case.record.request
    details = {**TARGETS, **(PAYMENT_DETAILS if case.view.sees_devices else {})}
    rows = filled(
        [
            (_("Refund number"), request.number),
            (_("Filed"), shown_at(request.filed_at)),
            (_("Reason"), request.get_reason_display()),
            (_("Asked for"), f"{request.get_remedy_display()} · {money(request.amount, request.currency)}"),
            (_("Units"), ", ".join(item.unit.ref for item in case.record.items)),
            (_("State"), request.get_state_display()),
            *((label, case.mask(request.details.get(name))) for name, label in details.items()),
        ]
    )
    said = case.mask(request.description) or _("The buyer left no description.")
    return [Rows(rows), Words(_("In the buyer's words"), is_quiet=True), Words(said)]


def use(case: Case) -> list[Block]:
    """The log of the units, with address and device where the platform has them and this reader may know."""
    seen = case.view.sees_devices
    rows = [row for item in case.record.items for row in _events(item.unit, seen)]
    if not rows:
        return [Words(_("No delivery and no use is on record."), is_quiet=True)]
    head = [_("At"), _("Unit"), _("Event"), *([_("Address"), _("Device")] if seen else [])]
    return [Table(head, [22, 12, 16, 18, 32] if seen else [30, 30, 40], rows)]


def _events(unit: Unit, seen: bool) -> Iterator[list[str]]:
    for event in unit.events.all():
        where = [str(event.data.get("ip") or NOTHING), str(event.data.get("device") or NOTHING)]
        yield [shown_at(event.at), unit.ref, str(event.get_type_display()), *(where if seen else [])]


def time_line(case: Case) -> list[Block]:
    rows = []
    for entry in case.entries:
        what = [f"{entry.title} [{entry.clause}]" if entry.clause else str(entry.title)]
        if entry.judgement:
            what.append(_("Fault: %(party)s") % {"party": Fault(entry.judgement.fault).label})
        if entry.text:
            what.append(excerpt(entry.text) if entry.code in SAID else entry.text)
        rows.append([shown_at(entry.at), str(entry.kind.label), "\n".join(what), entry.who])
    return [Table([_("At"), _("Kind"), _("What happened"), _("By")], [21, 15, 46, 18], rows)]


def excerpt(text: str) -> str:
    """Of what stands in full among the messages."""
    line = " ".join(text.split())
    return line if len(line) <= EXCERPT else f"{line[:EXCERPT]}…"


def decisions(case: Case) -> list[Block]:
    blocks: list[Block] = []
    currency = case.record.request.currency
    for decision in case.record.decisions:
        rows: list[tuple[object, object]] = [
            (_("By the rules"), f"{shown_at(decision.at)} · {decision.policy}"),
            (_("Outcome"), f"{OUTCOMES[decision.outcome]} · {money(decision.amount, currency)}"),
        ]
        found = [
            [finding["clause"], str(RESULTS[finding["result"]]), finding["text"]]
            for finding in findings_json(decision.findings)
            if case.view.sees_rule(finding["rule"])
        ]
        blocks += [Rows(filled(rows)), Table([_("Clause"), _("Result"), _("Finding")], [12, 16, 72], found)]
    acted = {move.sequence: move.actor for move in case.record.request.transitions.all()}
    for judgement in case.record.judgements:
        who = Party(acted[judgement.sequence]).label
        deviation = judgement.deviation if case.view.is_internal else ""
        rows = [
            (_("By a person"), f"{shown_at(judgement.at)} · {who}"),
            (_("Outcome"), f"{Outcome(judgement.outcome).label} · {money(judgement.amount, currency)}"),
            (_("Fault"), Fault(judgement.fault).label),
            (_("Clause"), judgement.clause),
            (_("Reasons"), case.mask(judgement.note)),
            (_("Why it departs from the precedents"), case.mask(deviation)),
        ]
        blocks.append(Rows(filled(rows)))
    return blocks or [Words(_("Nothing has been decided yet."), is_quiet=True)]


def chat(case: Case) -> list[Block]:
    rows = [
        [
            shown_at(said.at),
            case.view.who(said, said.author),
            internal(case.mask(said.text), said.is_internal),
        ]
        for said in case.record.request.messages.all()
        if case.view.sees_message(said)
    ]
    if not rows:
        return [Words(_("Nothing was said in this case."), is_quiet=True)]
    return [Table([_("At"), _("By"), _("Message")], [21, 17, 62], rows)]


def internal(text: str, is_internal: bool) -> str:
    note = _("Internal note")
    return f"[{note}] {text}" if is_internal else text


def money_back(case: Case) -> list[Block]:
    if not case.record.transfers:
        return [Words(_("No money has gone back."), is_quiet=True)]
    rows = [
        [
            transfer.number,
            str(transfer.claim.capture.get_channel_display()),
            str(transfer.get_state_display()),
            shown_at(transfer.settled_at),
            money(*transfer.money),
        ]
        for transfer in case.record.transfers
    ]
    head = [_("Transfer"), _("Channel"), _("State"), _("Arrived"), _("Amount")]
    return [Table(head, [24, 18, 20, 22, 16], rows)]


def disputes(case: Case) -> list[Block]:
    if not case.record.disputes:
        return [Words(_("The payment channel has not been asked."), is_quiet=True)]
    told = case.view.sees_provider
    rows = [
        [
            shown_at(dispute.opened_at),
            str(dispute.get_kind_display()),
            f"{dispute.channel_dispute_no} {dispute.reason}".strip() if told else NOTHING,
            str(dispute.get_state_display()),
            money(dispute.amount, dispute.currency),
        ]
        for dispute in case.record.disputes
    ]
    head = [_("Opened"), _("Kind"), _("Channel's number and reason"), _("State"), _("Amount")]
    return [Table(head, [22, 18, 26, 18, 16], rows)]
