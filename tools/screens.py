"""Every screen that `make screenshots` keeps: who looks, where, and what they press first."""

from typing import NamedTuple

QUEUE = "/admin/refunds/refundrequest/?queue={}"
FIRST_CASE, FIRST_ROW = "a[href*='/case/']", "#result_list th a, #result_list td a"


class Screen(NamedTuple):
    """`name` is the file's; `click` opens what matches first on the page, `keys` are pressed then, one after the other."""

    name: str
    user: str
    path: str
    click: str = ""
    keys: tuple[str, ...] = ()
    whole: bool = False  # the whole page, not the first screen of it


def _record(name: str, user: str, path: str) -> tuple[Screen, Screen]:
    """A list, and its first row opened."""
    return Screen(name, user, path), Screen(f"{name}-row", user, path, click=FIRST_ROW, whole=True)


def _case(name: str, user: str, queue: str, *keys: str, click: str = FIRST_CASE) -> Screen:
    return Screen(name, user, QUEUE.format(queue), click=click, keys=keys, whole=True)


PUBLIC = (
    Screen("portal-login", "", "/portal/login/"),
    Screen("desk-login", "", "/admin/login/"),
    Screen("api-docs", "", "/api/docs/"),
    Screen("not-found", "", "/nowhere"),
)
REVIEWER = (
    Screen("desk-home", "reviewer", "/admin/"),
    Screen("desk-queue", "reviewer", QUEUE.format("all")),
    Screen("desk-review", "reviewer", QUEUE.format("review")),
    Screen("desk-mine", "reviewer", QUEUE.format("mine")),
    Screen("desk-search", "reviewer", "/admin/refunds/refundrequest/?q=0001"),
    Screen("desk-empty", "reviewer", "/admin/refunds/refundrequest/?q=nothing-like-it"),
    Screen("desk-orders", "reviewer", "/admin/orders/order/"),
    Screen("desk-order", "reviewer", "/admin/orders/order/", click=FIRST_ROW, whole=True),
    Screen("desk-kept", "reviewer", "/admin/refunds/deadline/"),
    Screen("desk-views", "reviewer", "/admin/identity/savedview/"),
    Screen("desk-account", "reviewer", "/admin/account/"),
    Screen("desk-second-factor", "reviewer", "/admin/account/second-factor/"),
    _case("desk-case", "reviewer", "review"),
    _case("desk-keys", "reviewer", "review", "?"),
    _case("desk-palette", "reviewer", "review", "Control+k"),
    _case("desk-reject", "reviewer", "review", "r"),
    _case("desk-case-second", "reviewer2", "second"),
)
SUPERVISOR = (
    *_record("desk-bulk-runs", "supervisor", "/admin/refunds/bulkrun/"),
    *_record("desk-imports", "supervisor", "/admin/refunds/fileimport/"),
    Screen("desk-import-add", "supervisor", "/admin/refunds/fileimport/add/"),
    Screen("desk-exports", "supervisor", "/admin/identity/listexport/"),
    Screen("desk-calendar", "supervisor", "/admin/refunds/calendarday/"),
    Screen("desk-outages", "supervisor", "/admin/refunds/outage/"),
    Screen("desk-peaks", "supervisor", "/admin/refunds/peak/"),
    *_record("desk-policies", "supervisor", "/admin/refunds/policyversion/"),
    *_record("desk-drafts", "supervisor", "/admin/refunds/policydraft/"),
    *_record("desk-backtests", "supervisor", "/admin/refunds/backtestrun/"),
    Screen("desk-reviewers", "supervisor", "/admin/refunds/judgement/"),
    Screen("desk-known-answers", "supervisor", "/admin/refunds/knownanswer/"),
    Screen("desk-known-answer-add", "supervisor", "/admin/refunds/knownanswer/add/"),
    _case("desk-case-panel", "supervisor", "arbitration"),
)
OTHERS = (
    Screen("desk-home-editor", "editor", "/admin/"),
    Screen("desk-draft-editor", "editor", "/admin/refunds/policydraft/", click=FIRST_ROW, whole=True),
    Screen("desk-home-support", "support", "/admin/"),
    _case("desk-case-support", "support", "all"),
    _case("desk-case-arbiter", "arbiter", "arbitration"),
    Screen("desk-audit", "auditor", "/admin/identity/auditentry/"),
    _case("desk-case-auditor", "auditor", "all"),
)
FINANCE = (
    *_record("desk-transfers", "finance", "/admin/payments/transfer/"),
    *_record("desk-breaks", "finance", "/admin/payments/break/"),
    *_record("desk-payouts", "finance", "/admin/payments/payout/"),
    *_record("desk-withdrawals", "finance", "/admin/payments/withdrawal/"),
    *_record("desk-disputes", "finance", "/admin/risk/dispute/"),
    *_record("desk-sellers", "finance", "/admin/sellers/seller/"),
    Screen("desk-accounts", "finance", "/admin/ledger/account/"),
    Screen("desk-figures", "finance", "/admin/refunds/casefigure/", whole=True),
    _case("desk-case-stuck", "finance", "stuck"),
)
PORTAL = (
    Screen("portal-list", "seller1", "/portal/"),
    Screen("portal-platform", "seller1", "/portal/?tab=platform"),
    Screen("portal-done", "seller1", "/portal/?tab=done"),
    Screen("portal-case", "seller1", "/portal/", click="a[href*='/portal/cases/']", whole=True),
    Screen("portal-money", "seller1", "/portal/money/", whole=True),
    Screen("portal-rules", "seller1", "/portal/rules/", whole=True),
    Screen("portal-notices", "seller1", "/portal/notices/"),
    Screen("portal-settings", "seller1", "/portal/settings/"),
    Screen("portal-empty", "seller2", "/portal/"),
)
SCREENS = (*PUBLIC, *REVIEWER, *SUPERVISOR, *OTHERS, *FINANCE, *PORTAL)
