"""The side bar and the first page: queues with their counts, and the tables this person may read."""

from typing import Any, cast

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.identity.roles import Role
from marketplace.notices.queries import unread_count
from marketplace.notices.topics import RecipientKind
from refunds.desk_queries import APPEALS, BREAKS, COUNT_TO, PAYOUTS, QUEUES, Queue, queue_counts
from refunds.machine import JUDGES
from refunds.permissions import is_outside

from .figure_cards import cards as figure_cards
from .holding import next_queue

IN_THE_SIDEBAR = (
    "mine", "unassigned", "review", "overdue", "soon", "high", "second", "arbitration", "legal", "stuck", "all",
)  # fmt: skip
FOR_JUDGES = ("mine",)
FOR_ARBITERS = ("arbitration", "all")
ALARMING = {"overdue": "danger", "stuck": "danger"}
QUEUE_PARAMETER = "queue"
PAYOUT_STATE = "payout_state"  # the parameter of the payouts' list
FIRST_QUEUE: dict[str, str] = {
    Role.REVIEWER: "review",
    Role.SUPERVISOR: "overdue",
    Role.FINANCE: "stuck",
    Role.ARBITER: "arbitration",
}


def chosen_queue(request: HttpRequest) -> Queue:
    """The queue asked for; a search looks everywhere; else the one this role works on."""
    default = "all" if request.GET.get("q") else FIRST_QUEUE.get(getattr(request.user, "role", ""), "all")
    return QUEUES.get(request.GET.get(QUEUE_PARAMETER) or default, QUEUES[default])


def counts(request: HttpRequest) -> dict[str, int]:
    """Read once for a page, whoever asks."""
    if not hasattr(request, "desk_counts"):
        request.desk_counts = queue_counts(timezone.now(), cast(User, request.user))  # type: ignore[attr-defined]
    return cast(dict[str, int], request.desk_counts)  # type: ignore[attr-defined]


def shown_count(count: int) -> str:
    return f"{COUNT_TO}+" if count > COUNT_TO else str(count)


def home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    if request.user.has_perm("refunds.view_casefigure"):
        context = {**context, "figure_cards": figure_cards(timezone.now())}
    if not request.user.has_perm("refunds.view_refundrequest"):
        return {**context, "title": gettext("Desk")}
    found, user = counts(request), cast(User, request.user)
    cards = [
        (queue, shown_count(found[key]), found[key] > 0 and key in ALARMING, queue_url(key))
        for key, queue in open_queues(user).items()
        if key in found
    ]
    return {**context, "title": gettext("Desk"), "queue_cards": cards, "next_queue": next_queue(None, user)}


def open_queues(user: User) -> dict[str, Queue]:
    """Those of this person's work."""
    hidden = () if user.role in JUDGES else FOR_JUDGES
    return {
        key: queue
        for key, queue in QUEUES.items()
        if key not in hidden and (key in FOR_ARBITERS or not is_outside(user))
    }


def queue_url(key: str) -> str:
    return f"{reverse('admin:refunds_refundrequest_changelist')}?queue={key}"


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Titles are lazy: the palette finds them in both languages."""
    groups: list[dict[str, Any]] = [
        {
            "title": _("Work"),
            "items": [
                *_queues(request),
                _appeals(request),
                _table(request, _("Disputes"), "credit_card_off", "risk", "dispute"),
            ],
        },
        {
            "title": _("Records"),
            "items": [
                _table(request, _("Orders"), "receipt_long", "orders", "order"),
                _table(request, _("Buyers"), "group", "identity", "buyer"),
                _table(request, _("Sellers"), "storefront", "sellers", "seller"),
                _table(request, _("Risk signals"), "flag", "risk", "signal"),
            ],
        },
        {
            "title": _("Notices"),
            "items": [
                _notices(request),
                _table(request, _("Deliveries"), "outgoing_mail", "notices", "delivery"),
                _table(request, _("Webhook endpoints"), "webhook", "notices", "endpoint"),
            ],
        },
        {
            "title": _("Money"),
            "items": [
                _table(request, _("Captures"), "south_west", "payments", "capture"),
                _table(request, _("Transfers"), "north_east", "payments", "transfer"),
                _payouts(request),
                _table(request, _("Settlements"), "handshake", "payments", "settlement"),
                _table(request, _("Withdrawals"), "account_balance_wallet", "payments", "withdrawal"),
                _breaks(request),
                _table(request, _("Reconciliations"), "fact_check", "payments", "reconciliation"),
                _table(request, _("Notifications"), "notifications", "payments", "notification"),
                _table(request, _("Ledger"), "menu_book", "ledger", "transaction"),
                _table(request, _("Accounts"), "account_balance", "ledger", "account"),
            ],
        },
        {
            "title": _("Rules and people"),
            "items": [
                _table(request, _("Policies"), "policy", "refunds", "policyversion"),
                _table(request, _("Back-tests"), "science", "refunds", "backtestrun"),
                _table(request, _("Figures"), "bar_chart", "refunds", "casefigure"),
                _table(request, _("Deadlines kept"), "timer", "refunds", "deadline"),
                _table(request, _("Outages"), "cloud_off", "refunds", "outage"),
                _table(request, _("Peaks"), "trending_up", "refunds", "peak"),
                _table(request, _("Calendar"), "calendar_month", "refunds", "calendarday"),
                _table(request, _("Shops"), "store", "orders", "shop"),
                _table(request, _("Users"), "badge", "identity", "user"),
                _table(request, _("Audit log"), "policy_alert", "identity", "auditentry"),
            ],
        },
    ]
    for group in groups:
        group["items"] = [item for item in group["items"] if item]
    return [group for group in groups if group["items"]]


def _queues(request: HttpRequest) -> list[dict[str, Any]]:
    if not request.user.has_perm("refunds.view_refundrequest"):
        return []
    found = counts(request)
    mine = open_queues(cast(User, request.user))
    return [_queue(request, key, found.get(key, 0)) for key in IN_THE_SIDEBAR if key in mine]


def _queue(request: HttpRequest, key: str, count: int) -> dict[str, Any]:
    queue = QUEUES[key]
    item: dict[str, Any] = {
        "title": queue.label,
        "icon": queue.icon,
        "link": queue_url(key),
        "active": request.path == reverse("admin:refunds_refundrequest_changelist")
        and chosen_queue(request).key == key,
    }
    if count:
        item |= {"badge": shown_count(count), "badge_variant": ALARMING.get(key, "primary")}
    return item


def _payouts(request: HttpRequest) -> dict[str, Any] | None:
    """Led to what waits for its second person, and counted, as soon as anything does."""
    item = _table(request, _("Payouts by hand"), "account_balance_wallet", "payments", "payout")
    if item and (count := counts(request)[PAYOUTS]):
        item |= {"badge": shown_count(count), "badge_variant": "primary"}
        item["link"] += f"?{PAYOUT_STATE}=waiting"
    return item


def _appeals(request: HttpRequest) -> dict[str, Any] | None:
    item = _table(request, _("Appeals"), "gavel", "refunds", "appeal")
    if item and (count := counts(request)[APPEALS]):
        item |= {"badge": shown_count(count), "badge_variant": "primary"}
    return item


def _breaks(request: HttpRequest) -> dict[str, Any] | None:
    """Its list begins with those that are open."""
    item = _table(request, _("Breaks"), "difference", "payments", "break")
    if item and (count := counts(request)[BREAKS]):
        item |= {"badge": shown_count(count), "badge_variant": "danger"}
    return item


def _notices(request: HttpRequest) -> dict[str, Any] | None:
    """Led to what is new for this person, and counted, as soon as anything is."""
    item = _table(request, _("Notices told"), "notifications", "notices", "notice")
    if item and (count := _unread(request)):
        item |= {"badge": shown_count(count), "badge_variant": "primary"}
        item["link"] += "?mine=new"
    return item


def _unread(request: HttpRequest) -> int:
    """Read once for a page, as the counts are."""
    if not hasattr(request, "desk_unread"):
        request.desk_unread = unread_count(RecipientKind.USER, int(request.user.pk or 0))  # type: ignore[attr-defined]
    return cast(int, request.desk_unread)  # type: ignore[attr-defined]


def _table(
    request: HttpRequest, title: str | Promise, icon: str, app: str, model: str
) -> dict[str, Any] | None:
    if not request.user.has_perm(f"{app}.view_{model}"):
        return None
    link = reverse(f"admin:{app}_{model}_changelist")
    return {"title": title, "icon": icon, "link": link, "active": request.path.startswith(link)}
