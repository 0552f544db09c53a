"""The same case for programs: time-line, order and messages as JSON, the time-line for spreadsheets as well."""

from typing import Any

from django.utils.translation import gettext as _

from marketplace.kernel.money import Money
from marketplace.kernel.serializers import instant
from marketplace.orders.models import Unit

from .document import Case, shown_at
from .words import TARGETS
from .zip import as_csv


def timeline_json(case: Case) -> list[dict[str, Any]]:
    return [
        {
            "at": instant(entry.at),
            "kind": entry.kind.value,
            "code": entry.code,
            "title": str(entry.title),
            "by": entry.party,
            "who": entry.who,
            "clause": entry.clause,
            "fault": entry.judgement.fault if entry.judgement else None,
            "text": entry.text,
        }
        for entry in case.entries
    ]


def timeline_csv(case: Case) -> str:
    head = [_("At"), _("Kind"), _("What happened"), _("By"), _("Clause"), _("Text")]
    rows = (
        [shown_at(each.at), str(each.kind.label), str(each.title), each.who, each.clause, each.text]
        for each in case.entries
    )
    return as_csv([head, *rows])


def order_json(case: Case) -> dict[str, Any]:
    """As it stood at purchase: the snapshot is word for word what the buyer was shown."""
    order, consent = case.record.request.order, case.record.request.order.consent or {}
    return {
        "no": order.no,
        "external_no": order.external_no,
        "shop": order.shop.code,
        "seller": order.seller.code,
        "goods_type": order.goods_type,
        "snapshot": order.snapshot,
        "quantity": order.quantity,
        "total": order.money.json(),
        "fx_rate": str(order.fx_rate.normalize()) if order.fx_rate is not None else None,
        "region": order.region,
        "target": {
            name: case.mask(value) for name, value in order.target.items() if name in (*TARGETS, "phone")
        },
        "consent": {name: consent.get(name) for name in ("immediate_delivery", "acknowledged", "text", "at")}
        if consent
        else None,
        "placed_at": instant(order.placed_at),
        "paid_at": instant(order.paid_at) if order.paid_at else None,
        "completed_at": instant(order.completed_at) if order.completed_at else None,
        "units": [_unit(item.unit, item.amount, case) for item in case.record.items],
    }


def _unit(unit: Unit, amount: int, case: Case) -> dict[str, Any]:
    currency = case.record.request.currency
    return {
        "ref": unit.ref,
        "amount": Money(unit.amount, currency).json(),
        "claimed": Money(amount, currency).json(),
        "events": [{"type": event.type, "at": instant(event.at)} for event in unit.events.all()],
    }


def messages_json(case: Case) -> list[dict[str, Any]]:
    return [
        {
            "at": instant(said.at),
            "by": said.author,
            "who": case.view.who(said, said.author),
            "internal": said.is_internal,
            "text": case.mask(said.text),
        }
        for said in case.record.request.messages.all()
        if case.view.sees_message(said)
    ]
