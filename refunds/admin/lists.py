"""The lists people work with: whose views can be kept, and which columns leave the house in an export (requirement K5).

Columns are declared, one by one, and the database is asked for them and for nothing else: never a code that was sold, a
sealed secret, a token or a hash, nobody's phone, address or words, no evidence. Words and shapes come from the fields.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from django.apps import apps
from django.db.models import Field, Model
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Text
from marketplace.kernel.money import major
from refunds.masking import mask_contact


class Column(NamedTuple):
    """A field of the list's rows, by its path. Minor units are shown in major ones of the currency at `currency`."""

    path: str
    label: Text = ""  # else the field's own
    currency: str = ""
    hides_contacts: bool = False  # of what others named: it may be somebody's phone or address


def _by(path: str, label: Text) -> Column:
    return Column(f"{path}__username", label)


_SHOP = Column("order__shop__code", _("Shop"))
_BUYER = Column("buyer__external_id", _("Buyer"), hides_contacts=True)
_SELLER = (
    Column("seller__code", _("Seller")),
    Column("seller__name", _("Seller's name"), hides_contacts=True),
)
_CHANNEL = Column("claim__capture__channel")

LISTS: dict[str, tuple[Column, ...]] = {
    "refunds.refundrequest": (
        Column("number"), Column("order__no"), _SHOP, Column("order__external_no"), Column("order__goods_type"),
        Column("order__product__sku"), _BUYER, *_SELLER, Column("reason"), Column("remedy"), Column("channel"),
        Column("amount", currency="currency"), Column("approved_amount", currency="currency"), Column("currency"),
        Column("state"), Column("due_kind"), Column("due_at"), Column("filed_at"), _by("maker", _("Proposed by")),
        _by("checker", _("Confirmed by")),
    ),
    "orders.order": (
        Column("no"), Column("shop__code", _("Shop")), Column("external_no"), Column("product__sku"), Column("goods_type"),
        Column("quantity"), Column("total", currency="currency"), Column("currency"), Column("region"), _BUYER, *_SELLER,
        Column("placed_at"), Column("paid_at"), Column("completed_at"),
    ),
    "payments.transfer": (
        Column("number"), Column("reference"), Column("state"), _CHANNEL, Column("claim__capture__channel_no"),
        Column("claim__amount", currency="claim__capture__currency"), Column("claim__capture__currency"),
        Column("by_chargeback", currency="claim__capture__currency"), Column("attempts"), Column("channel_refund_no"),
        Column("error_code"), Column("created_at"), Column("sent_at"), Column("accepted_at"), Column("settled_at"),
    ),
    "payments.payout": (
        Column("transfer__number"), Column("transfer__reference"),
        Column("transfer__claim__amount", currency="transfer__claim__capture__currency"),
        Column("transfer__claim__capture__currency"), _by("proposed_by", _("Proposed by")), Column("proposed_at"),
        _by("decided_by", _("Decided by")), Column("paid_at"), Column("rejected_at"), Column("bank_reference"),
    ),
    "payments.withdrawal": (
        Column("number"), *_SELLER, Column("amount", currency="currency"), Column("currency"), Column("state"),
        _by("requested_by", _("Requested by")), Column("requested_at"), _by("decided_by", _("Decided by")),
        Column("decided_at"), Column("bank_reference"),
    ),
    "risk.dispute": (
        Column("number"), Column("kind"), Column("channel"), Column("channel_dispute_no"), Column("capture__order__no"),
        Column("capture__channel_no"), Column("amount", currency="currency"), Column("currency"), Column("reason"),
        Column("state"), Column("opened_at"), Column("due_at"), Column("closed_at"),
    ),
    "payments.break": (
        Column("number"), Column("channel"), Column("day"), Column("kind"), Column("ours"), Column("theirs"),
        Column("found_at"), _by("owner", _("Owner")), Column("closed_at"), _by("closed_by", _("Closed by")),
    ),
    "payments.reconciliation": (
        Column("day"), Column("channel"), Column("matched"), Column("breaks"), Column("ran_at"),
    ),
    "sellers.seller": (
        Column("code"), Column("name", hides_contacts=True), Column("verified_at"), Column("created_at"),
    ),
    "notices.delivery": (
        Column("notice__subject"), Column("notice__topic"), Column("notice__recipient_kind"), Column("way"),
        _by("user", _("Person")), Column("attempts"), Column("next_try_at"), Column("state"), Column("status"),
        Column("created_at"), Column("sent_at"),
    ),
    # One line a posting.
    "ledger.transaction": (
        Column("reference"), Column("recipe"), Column("occurred_at"), Column("recorded_at"),
        Column("postings__account__kind"), Column("postings__account__owner"),
        Column("postings__amount", currency="postings__currency"), Column("postings__currency"),
    ),
}  # fmt: skip


def in_words(at: datetime | None) -> str:
    """An instant in Beijing time, to the second."""
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S") if at else ""


class Shape:
    """The columns of a list as a file has them."""

    def __init__(self, label: str) -> None:
        self.model: type[Model] = apps.get_model(label)
        self.columns = LISTS[label]

    @property
    def header(self) -> list[str]:
        return [_capital(str(c.label or field_of(self.model, c.path).verbose_name)) for c in self.columns]

    @cached_property
    def paths(self) -> list[str]:
        """What is read: the columns, and the currencies of those that are money."""
        return list(
            dict.fromkeys(
                [*(c.path for c in self.columns), *(c.currency for c in self.columns if c.currency)]
            )
        )

    @cached_property
    def _cells(self) -> list[Callable[[Sequence[Any]], Any]]:
        at = {path: index for index, path in enumerate(self.paths)}
        return [_cell(column, field_of(self.model, column.path), at) for column in self.columns]

    def line(self, row: Sequence[Any]) -> list[Any]:
        """A row of `paths`, as people read it."""
        return [cell(row) for cell in self._cells]


def field_of(model: type[Model], path: str) -> "Field[Any, Any]":
    """The field at the end of a path. Raises FieldDoesNotExist."""
    *way, last = path.split("__")
    for name in way:
        model = model._meta.get_field(name).related_model  # type: ignore[assignment]
    return model._meta.get_field(last)  # type: ignore[return-value]


def _cell(column: Column, field: "Field[Any, Any]", at: dict[str, int]) -> Callable[[Sequence[Any]], Any]:
    index = at[column.path]
    if column.currency:
        currency = at[column.currency]
        return lambda row: "" if row[index] is None else major(row[index], row[currency])
    if field.choices:
        words = dict(field.flatchoices)
        return lambda row: str(words.get(row[index], row[index] or ""))
    if column.hides_contacts:
        return lambda row: mask_contact(row[index] or "")
    return lambda row: _plain(row[index])


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return in_words(value)
    return "" if value is None else value


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
