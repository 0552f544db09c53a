"""The seller's cases in three tabs, by keyset pages: a list opens as fast over a million cases as over ten."""

from collections import Counter
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Case, F, Func, QuerySet, TextField, Value, When
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThan
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import NotFound
from refunds.desk_queries import ASKED_OF
from refunds.machine import OPEN, Party, State
from refunds.models import RefundRequest
from refunds.queries import of_seller
from sellers.models import Membership

from .case import demand_of_seller
from .looks import ASKED_FOR_EVIDENCE, STATES, Look

PAGE_SIZE = 25
COUNT_TO = 99  # beyond it a tab shows "99+"
TO_ANSWER = "to_answer"


class Tab(NamedTuple):
    key: str
    label: str | Promise
    states: frozenset[State]
    nothing: str | Promise  # what it means that there is nothing
    hint: str | Promise
    by_deadline: bool = False
    is_counted: bool = True
    asked: Party | None = None  # of those that wait for evidence: where this side was asked


# Of a case that waits for evidence: the side that was asked; "" for the others. An OR would hide its place in the index.
_ASKED_OF = Case(
    When(state=State.AWAITING_EVIDENCE, then=Coalesce(ASKED_OF, Value(str(Party.BUYER)))),
    default=Value(""),
    output_field=TextField(),
)
# An approved case counts as done: nothing is left for the seller or the platform to decide.
_DONE = (frozenset(State) - OPEN) | {State.APPROVED, State.REFUNDING}
_PLATFORM = frozenset(State) - _DONE - {State.AWAITING_SELLER}

TABS: dict[str, Tab] = {
    tab.key: tab
    for tab in (
        Tab(
            TO_ANSWER, _("To answer"), frozenset({State.AWAITING_SELLER, State.AWAITING_EVIDENCE}),
            _("Nothing waits for your answer."),
            _("When a buyer asks for money back and the rules leave it to you, the case appears here with a "
              "countdown. Agree, or refuse with a ground, before it runs out."),
            by_deadline=True, asked=Party.SELLER,
        ),
        Tab(
            "platform", _("With the platform"), _PLATFORM,
            _("No case is with the platform."),
            _("Cases you refused, cases that were not answered in time, and cases that a person must judge are "
              "here until they are decided. You can read along and send messages."),
            asked=Party.BUYER,
        ),
        Tab(
            "done", _("Done"), _DONE,
            _("No case has been decided yet."),
            _("Refunds that were approved or paid back, and requests that were rejected or withdrawn, are kept "
              "here with their reasons."),
            is_counted=False,
        ),
    )
}  # fmt: skip


class Page(NamedTuple):
    cases: list[RefundRequest]
    next: str  # the cursor of the next page; "" on the last


def page(membership: Membership, tab: Tab, after: str = "") -> Page:
    """The cases of one tab behind the cursor. Raises NotFound for a cursor that is none of ours."""
    rows = _cases(membership, tab)
    rows = _by_deadline(rows, after) if tab.by_deadline else _newest_first(rows, after)
    found = list(rows[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    return Page(shown, _cursor(shown[-1], tab) if len(found) > PAGE_SIZE else "")


def counts(membership: Membership) -> dict[str, str]:
    """How many cases stand in each counted tab, as shown: "7", "99+". One query, never a full count."""
    counted = [tab for tab in TABS.values() if tab.is_counted]
    parts = [
        _cases(membership, tab)
        .select_related(None)
        .order_by()
        .annotate(tab=Value(tab.key, TextField()))
        .values_list("tab", flat=True)[: COUNT_TO + 1]
        for tab in counted
    ]
    found = Counter(parts[0].union(*parts[1:], all=True))
    return {tab.key: f"{COUNT_TO}+" if found[tab.key] > COUNT_TO else str(found[tab.key]) for tab in counted}


def tab_of(case: RefundRequest) -> Tab:
    """Of a case as case.load() reads it."""
    asked = Party.SELLER if demand_of_seller(case) else Party.BUYER
    tabs = [tab for tab in TABS.values() if case.state in tab.states]
    return next((tab for tab in tabs if tab.asked == asked), tabs[0])


def look_of_row(case: Any) -> Look:
    """Of a row of a page: what was asked of this seller looks so."""
    is_asked = case.state == State.AWAITING_EVIDENCE and case.asked_of == Party.SELLER
    return ASKED_FOR_EVIDENCE if is_asked else STATES[case.state]


def _cases(membership: Membership, tab: Tab) -> QuerySet[RefundRequest]:
    # The seller is named beside the membership so that the index on (seller, state, due_at, id) serves the order.
    cases = of_seller(membership.user).filter(seller_id=membership.seller_id)
    cases = cases.filter(state__in=sorted(tab.states)).annotate(asked_of=_ASKED_OF)
    return cases if tab.asked is None else cases.filter(asked_of__in=["", tab.asked])


def _by_deadline(rows: QuerySet[RefundRequest], after: str) -> QuerySet[RefundRequest]:
    rows = rows.order_by("due_at", "id")
    if not after:
        return rows
    due_at, _separator, pk = after.partition("~")
    try:
        instant = datetime.fromisoformat(due_at)
    except ValueError as error:
        raise NotFound() from error
    if instant.tzinfo is None:
        raise NotFound()
    place = Value(instant), Value(_key(pk))
    # A row comparison starts in the index at its place; "due_at > x OR (due_at = x AND id > y)" reads up to it.
    return rows.filter(GreaterThan(_row(F("due_at"), F("id")), _row(*place)))


def _newest_first(rows: QuerySet[RefundRequest], after: str) -> QuerySet[RefundRequest]:
    rows = rows.order_by("-id")
    return rows.filter(id__lt=_key(after)) if after else rows


def _key(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotFound()
    return int(text)


def _row(*parts: F | Value) -> Func:
    return Func(*parts, function="ROW", output_field=TextField())


def _cursor(last: RefundRequest, tab: Tab) -> str:
    if not tab.by_deadline:
        return str(last.pk)
    assert last.due_at is not None  # a request that waits for its seller has a clock
    return f"{last.due_at.isoformat()}~{last.pk}"
