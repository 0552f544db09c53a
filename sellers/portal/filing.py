"""A seller refunds an order of theirs before the buyer asks: find it, see what the rules say, file (C1, C4)."""

import json
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from marketplace.kernel.errors import NotFound, Refusal
from marketplace.kernel.idempotency import Key, fingerprint
from marketplace.orders.models import Order
from refunds.casefile.views import RULES_ABOUT_THE_BUYER
from refunds.facts import OrderFacts, of_buyer
from refunds.filing_form import FilingForm
from refunds.operations.file_as_seller import SELLERS_REASONS, file_as_seller, sellers_order
from refunds.policy import unit_use
from refunds.previews import digest, preview
from refunds.reasons import REASON_CHOICES
from sellers.models import Membership

from .access import for_member
from .forms import LongText
from .looks import RESULTS, USES

FOUND_AT_MOST = 10


class SellersFilingForm(FilingForm):
    reason = forms.ChoiceField(
        label=gettext_lazy("Reason"),
        choices=[
            ("", gettext_lazy("Choose …")),
            *(each for each in REASON_CHOICES if each[0] in SELLERS_REASONS),
        ],
        error_messages={"required": gettext_lazy("Choose a reason.")},
    )
    description = LongText(
        label=gettext_lazy("What happened"),
        help_text=gettext_lazy(
            "The buyer and the platform read this. Never write a card code or a password here."
        ),
        required=False,
        rows=3,
    )


class Look(NamedTuple):
    """What a form was answered with: what the rules say, what was refused, and the case that holds the units."""

    found: Mapping[str, Any] | None = None
    checked: str = ""
    refusal: str = ""
    holder: str = ""
    status: int = 200


@for_member
@require_safe
def find(request: HttpRequest, membership: Membership) -> HttpResponse:
    """An own order by its number, ours or the shop's."""
    number = request.GET.get("number", "").strip()[:128]
    both = {number, number.upper()}
    rows = Order.objects.filter(Q(no=number.upper()) | Q(external_no__in=both), seller=membership.seller_id)
    orders = list(rows.select_related("shop").order_by("-id")[:FOUND_AT_MOST]) if number else []
    if len(orders) == 1:
        return redirect("portal:refund_order", orders[0].no)
    context = {"membership": membership, "number": number, "orders": orders}
    return render(request, "portal/find_order.html", context)


@for_member
@require_http_methods(["GET", "HEAD", "POST"])
def refund(request: HttpRequest, membership: Membership, no: str) -> HttpResponse:
    """GET shows the form; POST looks what the rules say, or files."""
    order = sellers_order(membership.user, no)
    known = of_buyer(order.buyer_id, no)
    refs = [unit.facts.ref for unit in known.units]
    if request.method != "POST":
        return _page(request, membership, order, known, SellersFilingForm(order=order, refs=refs), Look())
    form = SellersFilingForm(request.POST, order=order, refs=refs)
    if not form.is_valid():
        return _page(request, membership, order, known, form, Look(status=422))
    if request.POST.get("action") != "file":
        return _page(request, membership, order, known, form, _check(known, form))
    if request.POST.get("checked") != digest(form.filing()):
        look = _check(known, form)
        words = look.refusal or _("The choice changed since it was checked. This is what the rules say now.")
        return _page(request, membership, order, known, form, look._replace(refusal=words, status=409))
    key = _key(request, membership)
    try:
        outcome = file_as_seller(user=membership.user, filing=form.filing(), key=key, now=timezone.now())
    except NotFound:
        raise
    except Refusal as refusal:
        look = _check(known, form)._replace(refusal=str(refusal.detail), status=refusal.status)
        look = look._replace(holder=refusal.extra.get("number") or look.holder)
        return _page(request, membership, order, known, form, look)
    if not outcome.replayed:
        messages.success(request, _("Filed. The buyer was told; the rules are being checked."))
    return redirect("portal:case", outcome.answer["number"])


def _check(known: OrderFacts, form: SellersFilingForm) -> Look:
    try:
        return Look(preview(known, form.filing(), timezone.now()), digest(form.filing()))
    except Refusal as refusal:
        holder = refusal.extra.get("number") or ""
        return Look(refusal=str(refusal.detail), holder=holder, status=refusal.status)


def _key(request: HttpRequest, membership: Membership) -> Key:
    """Of the form as it was shown: a second press has no second effect."""
    try:
        value = uuid.UUID(request.POST.get("form_key", "")).hex
    except ValueError:
        value = uuid.uuid4().hex
    names = sorted(set(request.POST) - {"csrfmiddlewaretoken"})
    body = json.dumps([[name, request.POST.getlist(name)] for name in names]).encode()
    return Key(f"seller:{membership.user_id}:file", value, fingerprint("POST", request.path, body))


def _page(
    request: HttpRequest,
    membership: Membership,
    order: Order,
    known: OrderFacts,
    form: SellersFilingForm,
    look: Look,
) -> HttpResponse:
    found, chosen = look.found, set(form["units"].value() or [])
    findings = found["findings"] if found else []
    context = {
        "membership": membership,
        "order": order,
        "form": form,
        "look_at": look,
        # A refused form is judged anew: its key was not used up, and what was changed in it is another filing.
        "form_key": uuid.uuid4().hex,
        "units": [
            (unit, USES[unit_use(unit.facts.events).use], unit.facts.ref in chosen) for unit in known.units
        ],
        "findings": [
            (RESULTS[each["result"]], each) for each in findings if each["rule"] not in RULES_ABOUT_THE_BUYER
        ],
        "outcome": OUTCOMES[found["outcome"]] if found else "",
    }
    return render(request, "portal/refund_order.html", context, status=look.status)


OUTCOMES = {
    "approve": gettext_lazy("The refund is paid at once; it needs no agreement of yours."),
    "ask_seller": gettext_lazy("The refund then waits for your agreement, on the page that opens."),
    "review": gettext_lazy("A person of the platform decides about it."),
    "reject": gettext_lazy("The rules reject it as it stands."),
    "wait": gettext_lazy("The payment may still arrive: it can be filed later."),
}
