"""Settings: which mails a person wants, and where the seller's webhooks go. A secret is shown once, when it is made."""

from typing import Any, NamedTuple

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from marketplace.kernel.errors import NotFound, Refusal
from marketplace.notices.models import DeliveryState
from marketplace.notices.operations import endpoints
from marketplace.notices.operations.deliver import replay
from marketplace.notices.operations.read import want
from marketplace.notices.queries import endpoints_of_seller, log_of_seller, unwanted
from marketplace.notices.topics import GROUPS, OPTIONAL_GROUPS, RecipientKind, Way
from sellers.models import Membership

from .access import for_member
from .forms import EndpointForm
from .looks import DELIVERIES
from .notices import page_of

PAGE_SIZE = 50


class Switch(NamedTuple):
    """One line of the mail settings."""

    group: str
    label: Any
    is_on: bool
    is_optional: bool


class Tried(NamedTuple):
    """An address that was refused, as typed, and why."""

    form: EndpointForm
    refusal: str = ""
    status: int = 422


@for_member
@require_safe
def settings(request: HttpRequest, membership: Membership) -> HttpResponse:
    return _page(request, membership)


@for_member
@require_POST
def mails(request: HttpRequest, membership: Membership) -> HttpResponse:
    wanted, now = set(request.POST.getlist("group")), timezone.now()
    for group in OPTIONAL_GROUPS:
        want(
            recipient_kind=RecipientKind.USER,
            recipient_id=membership.user_id,
            way=Way.EMAIL,
            group=group,
            wanted=group in wanted,
            now=now,
        )
    messages.success(request, _("Saved."))
    return redirect("portal:settings")


@for_member
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, membership: Membership) -> HttpResponse:
    """The secret is on the answer of this POST and nowhere else."""
    if request.method != "POST":
        return redirect("portal:settings")
    form = EndpointForm(request.POST)
    if not form.is_valid():
        return _page(request, membership, tried=Tried(form))
    url, now = form.cleaned_data["url"], timezone.now()
    try:
        made = endpoints.add(url=url, seller_id=membership.seller_id, now=now)
    except Refusal as refusal:
        return _page(request, membership, tried=Tried(form, str(refusal.detail), refusal.status))
    return _page(request, membership, made=made)


@for_member
@require_http_methods(["GET", "HEAD", "POST"])
def rotate(request: HttpRequest, membership: Membership, endpoint_id: int) -> HttpResponse:
    if request.method != "POST":
        return redirect("portal:settings")
    made = endpoints.rotate(endpoint_id=endpoint_id, seller_id=membership.seller_id, now=timezone.now())
    return _page(request, membership, made=made)


@for_member
@require_POST
def switch(request: HttpRequest, membership: Membership, endpoint_id: int) -> HttpResponse:
    on = request.POST.get("on") == "1"
    try:
        endpoints.switch(endpoint_id=endpoint_id, seller_id=membership.seller_id, on=on, now=timezone.now())
    except NotFound:
        raise
    except Refusal as refusal:
        messages.info(request, str(refusal.detail))
    else:
        messages.success(request, _("Webhooks go to this address again.") if on else _("Switched off."))
    return redirect("portal:settings")


@for_member
@require_safe
def log(request: HttpRequest, membership: Membership) -> HttpResponse:
    found, after = page_of(log_of_seller(membership.seller_id), request.GET.get("after", ""), PAGE_SIZE)
    context = {
        "membership": membership,
        "rows": [(row, DELIVERIES[row.state], row.state != DeliveryState.QUEUED) for row in found],
        "next": after,
        "is_later_page": "after" in request.GET,
    }
    return render(request, "portal/webhook_log.html", context)


@for_member
@require_POST
def send_again(request: HttpRequest, membership: Membership, delivery_id: int) -> HttpResponse:
    try:
        replay(delivery_id=delivery_id, seller_id=membership.seller_id, now=timezone.now())
    except NotFound:
        raise
    except Refusal as refusal:
        messages.info(request, str(refusal.detail))
    else:
        messages.success(request, _("It is being sent again."))
    return redirect("portal:webhook_log")


def _page(
    request: HttpRequest,
    membership: Membership,
    *,
    tried: Tried | None = None,
    made: endpoints.Made | None = None,
) -> HttpResponse:
    off = unwanted(RecipientKind.USER, membership.user_id, Way.EMAIL)
    context = {
        "membership": membership,
        "email": membership.user.email,
        "switches": [
            Switch(name, group.label, name not in off, group.is_optional) for name, group in GROUPS.items()
        ],
        "endpoints": endpoints_of_seller(membership.seller_id),
        "form": tried.form if tried else EndpointForm(),
        "refusal": tried.refusal if tried else "",
        "made": made,
        "now": timezone.now(),
    }
    return render(request, "portal/settings.html", context, status=tried.status if tried else 200)
