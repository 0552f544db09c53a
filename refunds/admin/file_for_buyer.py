"""Filing for a buyer who phones or writes: find the order, see what the rules say of it, then file (C1, C3, C4, C7)."""

import json
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import Refusal
from marketplace.kernel.idempotency import Key, KeyReused, fingerprint
from marketplace.orders.goods import GoodsType
from marketplace.orders.models import Order
from refunds.facts import OrderFacts, of_buyer
from refunds.filing_channels import FOR_A_CALLER
from refunds.filing_form import DETAIL_NAMES, WholeFilingForm
from refunds.models.evidence import kind_label
from refunds.operations.file import Filing
from refunds.operations.file_for_buyer import MAX_CALLER_CHECK, MAX_TICKET, file_for_buyer
from refunds.permissions import may_file
from refunds.policy import unit_use
from refunds.previews import digest, preview

from . import looks

FOUND_AT_MOST = 10
WITH_COIN_FIELDS = frozenset({GoodsType.LIVE_COINS, GoodsType.POINT_COUPON, GoodsType.DIRECT_TOPUP})


class DeskFilingForm(WholeFilingForm):
    """Who called and how they were identified is the operation's to demand: the rules may be looked at before."""

    channel = forms.ChoiceField(
        label=_("How the buyer reached you"),
        choices=[("", _("Choose …")), *((each.value, each.label) for each in FOR_A_CALLER)],
        required=False,
    )
    ticket = forms.CharField(label=_("Ticket number"), max_length=MAX_TICKET, required=False)
    caller_check = forms.CharField(
        label=_("How you made sure it is the buyer"),
        help_text=_(
            "Such as: named the order number and the end of the phone number. Staff alone reads this."
        ),
        max_length=MAX_CALLER_CHECK,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class Look(NamedTuple):
    """What a form was answered with: what the rules say, what was refused, and the case that holds the units."""

    found: Mapping[str, Any] | None = None
    checked: str = ""
    refusal: str = ""
    holder: str = ""
    status: int = 200


def find_order_view(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """By its number, ours or the shop's."""
    _require(request)
    number = request.GET.get("number", "").strip()
    orders = list(_orders(number)) if number else []
    if len(orders) == 1:
        return HttpResponseRedirect(reverse("admin:refunds_refundrequest_file", args=[orders[0].no]))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": gettext("File for a buyer"),
        "number": number,
        "orders": orders,
    }
    return TemplateResponse(request, "desk/file/find.html", context)


def _orders(number: str) -> Any:
    both = {number, number.upper()}
    rows = Order.objects.filter(Q(no=number.upper()) | Q(external_no__in=both))
    return rows.select_related("shop", "buyer", "seller").order_by("-id")[:FOUND_AT_MOST]


def filing_view(model_admin: Any, request: HttpRequest, no: str) -> HttpResponse:
    """GET shows the form; POST checks it against the rules, or files what was checked."""
    _require(request)
    order = Order.objects.select_related("shop", "buyer", "seller").filter(no=no).first()
    if order is None:
        messages.warning(request, gettext("There is no order %(number)s.") % {"number": no})
        return HttpResponseRedirect(reverse("admin:refunds_refundrequest_add"))
    known = of_buyer(order.buyer_id, no)
    refs = [unit.facts.ref for unit in known.units]
    if request.method != "POST":
        return _page(model_admin, request, order, known, DeskFilingForm(order=order, refs=refs), Look())
    form, form_key = DeskFilingForm(request.POST, order=order, refs=refs), _form_key(request)
    if not form.is_valid():
        return _page(model_admin, request, order, known, form, Look(status=422), form_key)
    filing = form.filing()
    if request.POST.get("action") != "file":
        return _page(model_admin, request, order, known, form, _check(known, filing), form_key)
    if request.POST.get("checked") != digest(filing):
        look = _check(known, filing)
        words = look.refusal or gettext(
            "The choice changed since it was checked. This is what the rules say now."
        )
        look = look._replace(refusal=words, status=409)
        return _page(model_admin, request, order, known, form, look, form_key)
    return _file(model_admin, request, order, known, form, form_key)


def _file(
    model_admin: Any,
    request: HttpRequest,
    order: Order,
    known: OrderFacts,
    form: DeskFilingForm,
    form_key: str,
) -> HttpResponse:
    user, filing = cast(User, request.user), form.filing()
    names = ("channel", "ticket", "caller_check")
    source = {name: form.cleaned_data[name] for name in names}
    try:
        outcome = file_for_buyer(
            user=user, filing=filing, key=_key(request, user, form_key), now=timezone.now(), **source
        )
    except KeyReused:
        words = gettext(
            "This form was sent already, with other words. Press again to file it as it stands now."
        )
        look = _check(known, filing)._replace(refusal=words, status=409)
        return _page(model_admin, request, order, known, form, look)
    except Refusal as refusal:
        pointer = str(refusal.extra.get("pointer", "")).lstrip("/")
        look = _check(known, filing)._replace(refusal=str(refusal.detail), status=refusal.status)
        if pointer in form.fields:
            form.add_error(pointer, str(refusal.detail))
            look = look._replace(refusal="")
        look = look._replace(holder=refusal.extra.get("number") or look.holder)
        return _page(model_admin, request, order, known, form, look, form_key)
    number = outcome.answer["number"]
    if outcome.replayed:
        messages.info(request, gettext("This was filed already, as %(number)s.") % {"number": number})
    else:
        messages.success(request, gettext("Filed for the buyer as %(number)s.") % {"number": number})
    return HttpResponseRedirect(reverse("admin:refunds_refundrequest_case", args=[number]))


def _check(known: OrderFacts, filing: Filing) -> Look:
    """What the rules say to it now."""
    try:
        return Look(preview(known, filing, timezone.now()), digest(filing))
    except Refusal as refusal:
        return Look(
            refusal=str(refusal.detail), holder=refusal.extra.get("number") or "", status=refusal.status
        )


def _page(
    model_admin: Any,
    request: HttpRequest,
    order: Order,
    known: OrderFacts,
    form: DeskFilingForm,
    look: Look,
    form_key: str = "",
) -> HttpResponse:
    found = look.found
    chosen = set(form["units"].value() or [])
    context = {
        **model_admin.admin_site.each_context(request),
        "title": gettext("File for the buyer"),
        "order": order,
        "form": form,
        "look": look,
        "form_key": form_key or uuid.uuid4().hex,
        "units": [
            (unit, looks.look_badge(looks.USES[unit_use(unit.facts.events).use]), unit.facts.ref in chosen)
            for unit in known.units
        ],
        "holders": list(dict.fromkeys(unit.open_request for unit in known.units if unit.open_request)),
        "outcome": looks.look_badge(looks.OUTCOMES[found["outcome"]]) if found else "",
        "findings": [
            (looks.look_badge(looks.RESULTS[each["result"]]), each)
            for each in sorted(found["findings"], key=_open_first)
        ]
        if found
        else [],
        "evidence_needed": [kind_label(each) for each in found["evidence_needed"]] if found else [],
        "details_open": order.goods_type in WITH_COIN_FIELDS
        or any(form[name].value() or form[name].errors for name in DETAIL_NAMES),
    }
    return TemplateResponse(request, "desk/file/form.html", context, status=look.status)


def _open_first(finding: Mapping[str, Any]) -> int:
    return ("unmet", "unknown", "met").index(finding["result"])


def _require(request: HttpRequest) -> None:
    if not may_file(cast(User, request.user)):
        raise PermissionDenied


def _form_key(request: HttpRequest) -> str:
    """The key the form was given when it was shown; a new one where it came back without."""
    try:
        return uuid.UUID(request.POST.get("form_key", "")).hex
    except ValueError:
        return uuid.uuid4().hex


def _key(request: HttpRequest, user: User, form_key: str) -> Key:
    names = sorted(set(request.POST) - {"csrfmiddlewaretoken", "checked"})
    body = json.dumps([[name, request.POST.getlist(name)] for name in names]).encode()
    return Key(f"staff:{user.pk}:file", form_key, fingerprint("POST", request.path, body))
