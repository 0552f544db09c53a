"""The answers that are offers. Each POST is one operation; see ways.py for the table of them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from marketplace.kernel.errors import NotFound, Refusal
from refunds.operations.seal_offer import SealedAlready
from sellers.models import Membership

from .access import for_member
from .case import load
from .views import Attempt, case_page, moved_on, not_answered
from .ways import SEAL, WAYS


@for_member
@require_http_methods(["GET", "HEAD", "POST"])
def offer(request: HttpRequest, membership: Membership, number: str, way: str) -> HttpResponse:
    """The form stands on the case page; its address, opened by itself, leads there."""
    case, chosen = load(membership.user, number), WAYS[way]
    if request.method != "POST":
        return redirect("portal:case", number)
    form = chosen.form(request.POST, case=case, way=way)
    if not form.is_valid():
        return not_answered(request, membership, number, "offer", form, way=way)
    try:
        chosen.run(number, membership.user, form.cleaned_data, timezone.now())
    except NotFound:
        raise
    except Refusal as refusal:
        return not_answered(request, membership, number, "offer", form, refusal, way=way)
    messages.success(request, str(chosen.done))
    return redirect("portal:case", number)


@for_member
@require_http_methods(["GET", "HEAD", "POST"])
def seal(request: HttpRequest, membership: Membership, number: str) -> HttpResponse:
    case = load(membership.user, number)
    if request.method != "POST":
        return redirect("portal:case", number)
    form = SEAL.form(request.POST, case=case, way=SEAL.name)
    if not form.is_valid():
        return case_page(request, membership, case, offering=(SEAL.name, Attempt(form)))
    try:
        SEAL.run(number, membership.user, form.cleaned_data, timezone.now())
    except NotFound:
        raise
    except SealedAlready as refusal:
        messages.info(request, str(refusal.detail))
        return redirect("portal:case", number)
    except Refusal as refusal:
        if "from" in refusal.extra:
            return moved_on(request, load(membership.user, number))
        attempt = Attempt(form, refusal.status, str(refusal.detail))
        return case_page(request, membership, case, offering=(SEAL.name, attempt))
    messages.success(request, str(SEAL.done))
    return redirect("portal:case", number)
