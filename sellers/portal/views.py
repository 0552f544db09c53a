"""The pages. Each POST is one operation; its refusal is shown beside the form, with what was typed."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from marketplace.kernel.errors import NotFound, Refusal
from refunds.machine import Party, State
from refunds.models import RefundRequest
from refunds.operations import answer
from refunds.operations.appeal import appeal_as_seller
from refunds.operations.say import say_as_seller
from sellers.models import Membership

from . import lists
from .access import for_member
from .case import last_answer, load, look_of, shown
from .contested import appeal_shown
from .evidence import evidence_shown
from .forms import AgreeForm, AppealForm, MessageForm, RefuseForm
from .ways import offered_ways, sealed_way

SAME_WORDS_WITHIN = timedelta(seconds=30)  # a message sent twice by a second press


class Attempt(NamedTuple):
    """A post that was refused: the form as it was typed, why, and the HTTP status that says so."""

    form: forms.Form
    status: int = 422
    refusal: str = ""


@for_member
@require_safe
def cases(request: HttpRequest, membership: Membership) -> HttpResponse:
    tab = lists.TABS.get(request.GET.get("tab", lists.TO_ANSWER))
    if tab is None:
        raise NotFound()
    after = request.GET.get("after", "")
    page = lists.page(membership, tab, after)
    counts = lists.counts(membership)
    context = {
        "membership": membership,
        "tab": tab,
        "tabs": [(each, counts.get(each.key, "")) for each in lists.TABS.values()],
        "rows": [(case, lists.look_of_row(case)) for case in page.cases],
        "next": page.next,
        "is_later_page": bool(after),
    }
    return render(request, "portal/cases.html", context)


@for_member
@require_safe
def case(request: HttpRequest, membership: Membership, number: str) -> HttpResponse:
    return case_page(request, membership, load(membership.user, number))


@for_member
@require_http_methods(["GET", "HEAD", "POST"])
def agree(request: HttpRequest, membership: Membership, number: str) -> HttpResponse:
    """GET asks once more, POST agrees."""
    if request.method != "POST":
        asked = load(membership.user, number)
        if asked.state != State.AWAITING_SELLER:
            return moved_on(request, asked)
        return _agree_page(request, membership, asked, Attempt(AgreeForm(), 200))
    form = AgreeForm(request.POST)
    if not form.is_valid():
        return not_answered(request, membership, number, "agree", form)
    note = form.cleaned_data["note"]
    try:
        moved = answer.agree(number=number, user=membership.user, now=timezone.now(), note=note)
    except NotFound:
        raise
    except Refusal as refusal:
        return not_answered(request, membership, number, "agree", form, refusal)
    if moved.state == State.APPROVED:
        messages.success(request, _("Done: you agreed, and the money goes back to the buyer."))
    else:
        messages.success(
            request, _("Done: you agreed. A member of staff confirms it before the money goes back.")
        )
    return redirect("portal:case", number)


@for_member
@require_http_methods(["GET", "HEAD", "POST"])
def refuse(request: HttpRequest, membership: Membership, number: str) -> HttpResponse:
    """The form stands on the case page; its address, opened by itself, leads there."""
    if request.method != "POST":
        return redirect("portal:case", load(membership.user, number).number)
    form = RefuseForm(request.POST)
    if not form.is_valid():
        return not_answered(request, membership, number, "refuse", form)
    ground, note = form.cleaned_data["ground"], form.cleaned_data["note"]
    try:
        answer.refuse(number=number, user=membership.user, ground=ground, note=note, now=timezone.now())
    except NotFound:
        raise
    except Refusal as refusal:
        return not_answered(request, membership, number, "refuse", form, refusal)
    messages.success(
        request, _("Done: you refused. A reviewer of the platform decides; the buyer reads your ground.")
    )
    return redirect("portal:case", number)


@for_member
@require_http_methods(["GET", "HEAD", "POST"])
def appeal(request: HttpRequest, membership: Membership, number: str) -> HttpResponse:
    """The form stands on the case page; its address, opened by itself, leads there."""
    contested = load(membership.user, number)
    if request.method != "POST":
        return redirect("portal:case", contested.number)
    form = AppealForm(request.POST)
    if not form.is_valid():
        return case_page(request, membership, contested, appealing=Attempt(form))
    try:
        appeal_as_seller(number=number, user=membership.user, now=timezone.now(), **form.cleaned_data)
    except NotFound:
        raise
    except Refusal as refusal:
        attempt = Attempt(form, refusal.status, str(refusal.detail))
        return case_page(request, membership, load(membership.user, number), appealing=attempt)
    messages.success(request, _("Done: your appeal is with a supervisor."))
    return redirect("portal:case", number)


@for_member
@require_http_methods(["GET", "HEAD", "POST"])
def say(request: HttpRequest, membership: Membership, number: str) -> HttpResponse:
    spoken_in = load(membership.user, number)
    if request.method != "POST":
        return redirect("portal:case", spoken_in.number)
    form, now = MessageForm(request.POST), timezone.now()
    if not form.is_valid():
        return case_page(request, membership, spoken_in, saying=Attempt(form))
    text = form.cleaned_data["text"]
    if _just_said(spoken_in, membership, text, now):
        messages.info(request, _("This message was sent already; it was not sent twice."))
        return redirect("portal:case", number)
    try:
        say_as_seller(number=number, user=membership.user, text=text, now=now)
    except NotFound:
        raise
    except Refusal as refusal:
        attempt = Attempt(form, refusal.status, str(refusal.detail))
        return case_page(request, membership, spoken_in, saying=attempt)
    messages.success(request, _("Sent."))
    return redirect("portal:case", number)


@for_member
def lost(request: HttpRequest, membership: Membership, rest: str) -> HttpResponse:
    raise NotFound()


def case_page(
    request: HttpRequest,
    membership: Membership,
    case: RefundRequest,
    *,
    refusing: Attempt | None = None,
    saying: Attempt | None = None,
    offering: tuple[str, Attempt] | None = None,
    appealing: Attempt | None = None,
) -> HttpResponse:
    """The case, with a post that was refused beside its form; `offering` names which of ways.py it was."""
    way, tried = offering or ("", None)
    failed = refusing or saying or appealing or tried
    typed = tried.form if tried else None
    context = {
        **shown(case, membership.user),
        **evidence_shown(case, membership.user),
        "membership": membership,
        "tab": lists.tab_of(case),
        **appeal_shown(case, timezone.now()),
        "appeal_form": appealing.form if appealing else AppealForm(auto_id="appeal-%s"),
        "appealing": appealing,
        "refuse_form": refusing.form if refusing else RefuseForm(),
        "refusing": refusing,
        "message_form": saying.form if saying else MessageForm(),
        "saying": saying,
        "ways": offered_ways(case, typed, way),
        "sealed": sealed_way(case, typed, way),
        "offering": tried,
    }
    return render(request, "portal/case.html", context, status=failed.status if failed else 200)


def _agree_page(
    request: HttpRequest, membership: Membership, case: RefundRequest, attempt: Attempt
) -> HttpResponse:
    context = {
        "membership": membership,
        "case": case,
        "order": case.order,
        "needs_second_person": case.amount > case.two_person_above,
        "form": attempt.form,
        "refusal": attempt.refusal,
    }
    return render(request, "portal/agree.html", context, status=attempt.status)


def not_answered(
    request: HttpRequest,
    membership: Membership,
    number: str,
    wanted: str,
    form: forms.Form,
    refusal: Refusal | None = None,
    *,
    way: str = "",
) -> HttpResponse:
    """The form again, as typed, with what is wrong; or the news, where the case has moved on meanwhile.

    The same answer a second time is calm news. Text typed for another answer is kept, to be sent as a message.
    """
    case = load(membership.user, number)
    if case.state == State.AWAITING_SELLER:
        attempt = Attempt(form, refusal.status, str(refusal.detail)) if refusal else Attempt(form)
        if wanted == "agree":
            return _agree_page(request, membership, case, attempt)
        if way:
            return case_page(request, membership, case, offering=(way, attempt))
        return case_page(request, membership, case, refusing=attempt)
    typed = str(form.data.get("note", "")).strip()
    if last_answer(case).startswith(wanted) or not typed:
        return moved_on(request, case)
    return case_page(
        request, membership, case, saying=Attempt(MessageForm(initial={"text": typed}), 409, _news(case))
    )


def moved_on(request: HttpRequest, moved: RefundRequest) -> HttpResponse:
    messages.info(request, _news(moved))
    return redirect("portal:case", moved.number)


def _news(moved: RefundRequest) -> str:
    if last_answer(moved).startswith("agree"):
        return _("You agreed to this refund already; there is nothing more to do.")
    if last_answer(moved) == "offer":
        return _("You made an offer in this case already.")
    if last_answer(moved) == "refuse":
        return _("You refused this refund already; a reviewer decides.")
    state = {"state": look_of(moved).word}
    return _("This case no longer waits for your answer. It is now: %(state)s.") % state


def _just_said(case: RefundRequest, membership: Membership, text: str, now: datetime) -> bool:
    last = next((each for each in reversed(case.messages.all()) if each.author == Party.SELLER), None)
    return (
        last is not None
        and last.user_id == membership.user_id
        and last.text == text.strip()
        and now - last.at < SAME_WORDS_WITHIN
    )
