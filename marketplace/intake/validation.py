"""From a body to a record, or to a refusal that names every fault by JSON pointer, with value and remedy."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict, TypeVar

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from marketplace.kernel.errors import Refusal, Text
from marketplace.kernel.money import Money

from .bodies import PushedConsent, PushedEvent, PushedEvents, PushedOrder, PushedTerms, PushedUnit, address
from .records import BuyerRecord, EventRecord, OrderRecord, PaymentRecord, UnitRecord

CLOCK_SKEW = timedelta(minutes=5)
Body = TypeVar("Body", bound=BaseModel)


class FieldError(TypedDict):
    pointer: str
    code: str
    detail: str


class InvalidBody(Refusal):
    code = "validation_error"
    status = 400
    title = _("The request is not valid.")

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("", errors=errors)
        self.errors = errors


_TYPE = _("Wrong type: %(given)s was given, %(wanted)s is needed.")
# pydantic's error type -> our code and text. A value is repeated only where it cannot be a card code.
MESSAGES: dict[str, tuple[str, Text]] = {
    "missing": ("required", _("This field is required.")),
    "extra_forbidden": (
        "unknown_field",
        _("There is no field of this name; leave it out or correct its name."),
    ),
    "string_type": ("invalid", _TYPE),
    "int_type": ("invalid", _TYPE),
    "bool_type": ("invalid", _TYPE),
    "list_type": ("invalid", _TYPE),
    "dict_type": ("invalid", _TYPE),
    "model_type": ("invalid", _TYPE),
    "int_parsing_size": ("max_value", _("The number is too large.")),
    "string_too_long": ("max_length", _("The text is longer than %(max_length)s characters; shorten it.")),
    "string_too_short": ("blank", _("The text is empty; fill it in or leave the field out.")),
    "string_pattern_mismatch": (
        "invalid",
        _("%(value)s is not a region. Write two capital letters, e.g. CN, or EU."),
    ),
    "too_long": ("max_length", _("%(actual_length)s entries were given; %(max_length)s are the most.")),
    "too_short": ("min_length", _("At least %(min_length)s entry is needed.")),
    "greater_than_equal": ("min_value", _("%(value)s is too small; %(ge)s is the least.")),
    "less_than_equal": ("max_value", _("%(value)s is too large; %(le)s is the most.")),
    "time": (
        "invalid",
        _("%(value)s is not a time. Write RFC 3339 with an offset, e.g. 2026-11-20T09:30:00+08:00."),
    ),
    "no_offset": ("no_offset", _("%(value)s has no offset. Add Z or e.g. +08:00.")),
    "range": ("range", _("%(value)s: the year must be between 2000 and 2100.")),
    "choice": ("invalid_choice", _("%(value)s is not known. One of: %(allowed)s.")),
    "rate": (
        "invalid",
        _("%(value)s is not a rate. Write a positive number with at most 8 decimals, e.g. 7.1234."),
    ),
    "data_size": ("max_length", _("The event's data is larger than %(limit)s characters; shorten it.")),
    "promo": ("invalid", _("data.promo must be true or false.")),
}
_WANTED = {
    "string_type": "string", "int_type": "integer", "bool_type": "boolean", "list_type": "array",
    "dict_type": "object", "model_type": "object",
}  # fmt: skip


def order_record(body: Any, *, now: datetime) -> OrderRecord:
    """Raises InvalidBody."""
    return checked_order(parsed(PushedOrder, body), now=now)


def checked_order(order: PushedOrder, *, now: datetime) -> OrderRecord:
    """Raises InvalidBody for what is well-formed but makes no sense."""
    errors = list(_order_faults(order, now + CLOCK_SKEW))
    if errors:
        raise InvalidBody(errors)
    return _record(order)


def events_record(body: Any, *, now: datetime) -> tuple[str, tuple[EventRecord, ...]]:
    """(unit ref, events). Raises InvalidBody."""
    pushed = parsed(PushedEvents, body)
    errors = list(_event_faults(pushed.events, "", now + CLOCK_SKEW))
    if errors:
        raise InvalidBody(errors)
    return pushed.unit, _events(pushed.events)


def parsed(model: type[Body], body: Any) -> Body:
    """Raises InvalidBody."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise InvalidBody([_field_error(item) for item in error.errors(include_url=False)]) from None


def pointer(*parts: str | int) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _field_error(item: ErrorDetails) -> FieldError:
    code, text = MESSAGES.get(item["type"], ("invalid", _("This value cannot be used.")))
    parts = [part for part in item["loc"] if part != "[key]"]
    if item["type"] == "missing":
        value: Any = None
    elif item["input"] is None and item["type"] in _WANTED:
        code, text, value = "null", _("This field may not be null."), None
    else:
        value = item["input"]
    given = {
        **item.get("ctx", {}),
        "value": repr(value)[:80],
        "given": _json_type(value),
        "wanted": _WANTED.get(item["type"], ""),
    }
    return FieldError(pointer=pointer(*parts), code=code, detail=str(text) % given)


def _json_type(value: Any) -> str:
    names = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _fault(code: str, text: str, where: str, /, **given: Any) -> FieldError:
    return FieldError(pointer=where, code=code, detail=text % given)


def _order_faults(order: PushedOrder, latest: datetime) -> Iterator[FieldError]:
    for name in ("created_at", "paid_at", "completed_at"):
        yield from _future(getattr(order, name), "/" + name, latest)
    if order.completed_at is not None and order.completed_at < order.created_at:
        text = gettext("%(value)s is before created_at (%(created)s). Send the time the order was completed.")
        yield _fault(
            "before_created", text, "/completed_at", value=order.completed_at.isoformat(),
            created=order.created_at.isoformat(),
        )  # fmt: skip
    if order.consent is not None:
        yield from _future(order.consent.at, "/consent/at", latest)
    if order.fx_rate is not None and order.total.currency == "CNY" and order.fx_rate != 1:
        text = gettext("%(value)s: an order in CNY has no rate. Send null.")
        yield _fault("invalid", text, "/fx_rate", value=order.fx_rate)
    yield from _condition_faults(order.product.terms)
    yield from _payment_faults(order, latest)
    yield from _unit_faults(order, latest)


def _condition_faults(terms: PushedTerms | None) -> Iterator[FieldError]:
    seen = set()
    for index, condition in enumerate((terms.conditions if terms else None) or ()):
        where = f"/product/terms/conditions/{index}"
        if condition.code in seen:
            text = gettext("The condition %(code)s is given twice. Give it once.")
            yield _fault("duplicate", text, where + "/code", code=condition.code)
        seen.add(condition.code)
        if condition.code == "unused_within_hours" and condition.value is None:
            text = gettext("unused_within_hours needs its whole number of hours, 1 or more.")
            yield _fault("required", text, where + "/value")
        if condition.code == "not_bound_to_account" and condition.value is not None:
            text = gettext("not_bound_to_account takes no value (%(value)s was given). Leave it out.")
            yield _fault("invalid", text, where + "/value", value=condition.value)


def _payment_faults(order: PushedOrder, latest: datetime) -> Iterator[FieldError]:
    seen = set()
    for index, payment in enumerate(order.payments or ()):
        where = f"/payments/{index}"
        yield from _future(payment.captured_at, where + "/captured_at", latest)
        if payment.amount.currency != order.total.currency:
            text = gettext("The payment is in %(value)s, the order in %(total)s. Send both in one currency.")
            yield _fault(
                "currency_mismatch", text, where + "/amount/currency", value=payment.amount.currency,
                total=order.total.currency,
            )  # fmt: skip
        if (payment.channel, payment.channel_no) in seen:
            text = gettext("The payment %(value)s is given twice. Give each payment once.")
            yield _fault("duplicate", text, where + "/channel_no", value=payment.channel_no)
        seen.add((payment.channel, payment.channel_no))


def _unit_faults(order: PushedOrder, latest: datetime) -> Iterator[FieldError]:
    units = order.units or ()
    if len(units) > order.quantity:
        text = gettext(
            "%(given)s units were given for a quantity of %(quantity)s. Leave units out or raise the quantity."
        )
        yield _fault("too_many_units", text, "/units", given=len(units), quantity=order.quantity)
    seen = set()
    for index, unit in enumerate(units):
        if unit.ref in seen:
            text = gettext("The unit %(value)s is given twice. Give each unit its own ref.")
            yield _fault("duplicate", text, f"/units/{index}/ref", value=repr(unit.ref))
        seen.add(unit.ref)
        yield from _event_faults(unit.events or [], f"/units/{index}", latest)


def _event_faults(events: list[PushedEvent], where: str, latest: datetime) -> Iterator[FieldError]:
    seen: dict[str, PushedEvent] = {}
    for index, event in enumerate(events):
        yield from _future(event.at, f"{where}/events/{index}/at", latest)
        ref = _event_ref(event)
        first = seen.setdefault(ref, event)
        if (first.type, first.at) != (event.type, event.at):
            text = gettext("The event ref %(value)s stands for two different events. Give each its own ref.")
            yield _fault("duplicate", text, f"{where}/events/{index}/ref", value=ref)


def _future(at: datetime | None, where: str, latest: datetime) -> Iterator[FieldError]:
    if at is not None and at > latest:
        text = gettext("%(value)s is in the future. Check the clock and the offset; 5 minutes are allowed.")
        yield _fault("in_future", text, where, value=at.isoformat())


def _record(order: PushedOrder) -> OrderRecord:
    buyer, product = order.buyer, order.product
    return OrderRecord(
        external_no=order.external_no,
        seller_code=order.seller,
        buyer=BuyerRecord(
            external_id=buyer.external_id,
            region=buyer.region or "",
            email=buyer.email or "",
            phone=buyer.phone or "",
            device=buyer.device or "",
            ip=address(buyer.ip) if buyer.ip else None,
        ),
        goods_type=product.goods_type,
        snapshot={
            "sku": product.sku,
            "title": product.title,
            "page_text": product.page_text or "",
            "terms": _terms(product.terms),
        },
        quantity=order.quantity,
        total=Money(order.total.amount, order.total.currency),
        fx_rate=None if order.total.currency == "CNY" else order.fx_rate,
        target=order.target or {},
        consent=_consent(order.consent),
        payments=tuple(
            PaymentRecord(p.channel, p.channel_no, Money(p.amount.amount, p.amount.currency), p.captured_at)
            for p in order.payments or ()
        ),
        units=tuple(_unit(unit) for unit in order.units or ()),
        placed_at=order.created_at,
        paid_at=order.paid_at,
        completed_at=order.completed_at,
    )


def _terms(terms: PushedTerms | None) -> dict[str, Any]:
    return terms.model_dump(exclude_none=True) if terms else {}


def _consent(consent: PushedConsent | None) -> dict[str, Any] | None:
    return {**consent.model_dump(), "at": _utc(consent.at)} if consent else None


def _unit(unit: PushedUnit) -> UnitRecord:
    return UnitRecord(unit.ref, unit.secret, unit.paid_coins, unit.promo_coins, _events(unit.events or []))


def _events(events: list[PushedEvent]) -> tuple[EventRecord, ...]:
    found = {_event_ref(event): event for event in reversed(events)}
    return tuple(EventRecord(e.type, e.at, ref, e.data or {}) for ref, e in reversed(found.items()))


def _event_ref(event: PushedEvent) -> str:
    return event.ref or f"{event.type}@{_utc(event.at)}"


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
