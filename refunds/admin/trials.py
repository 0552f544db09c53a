"""A trial on the case page (requirement K4): it looks like any case until it is answered, and then says what it was."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketplace.identity.models import User
from marketplace.kernel.errors import Refusal
from marketplace.kernel.templatetags.recourse import money
from refunds.desk_queries import Case
from refunds.faults import Fault, Outcome
from refunds.models import KnownAnswer, RefundRequest, Trial, TrialAnswer
from refunds.operations.answer_trial import TrialAnswered, answer_trial, pass_trial
from refunds.operations.mark_known import CLOSED
from refunds.permissions import may_do
from refunds.trials import Agrees, case_of, trial_of, verdict

from .acting import Attempt
from .hints import hints
from .looks import Look, look_badge
from .moves import MOVES

# What goes back by each move that decides; whatever else is done with a case leaves it undecided.
AMOUNTS: dict[str, Callable[[dict[str, Any]], int | None]] = {
    "approve": lambda data: None,
    "approve_part": lambda data: int(data["amount"]),
    "reject": lambda data: 0,
}
AGREES: dict[str, Look] = {
    Agrees.RIGHT: Look("check_circle", "good", gettext_lazy("As agreed")),
    Agrees.PARTLY: Look("incomplete_circle", "warn", gettext_lazy("As agreed in part")),
    Agrees.WRONG: Look("cancel", "bad", gettext_lazy("Other than agreed")),
    Agrees.PASSED: Look("help", "calm", gettext_lazy("Not decided")),
}


def trial_view(
    request: HttpRequest,
    trial: Trial,
    context: dict[str, Any],
    show: Callable[[Case, Attempt | None], HttpResponse],
) -> HttpResponse:
    """For a number that is no case's. `show` is the page of any case, `context` the site's."""
    if hasattr(trial, "answer"):
        return _told(request, trial, context)
    shown = case_of(trial, timezone.now())
    tried = _answer(request, trial, shown) if request.method == "POST" else None
    if request.method == "POST" and tried is None:
        return HttpResponseRedirect(request.get_full_path())
    return show(shown, tried)


def put_aside(request: HttpRequest, number: str) -> bool:
    """Given back, or to another: whether the number was that of a trial, which then ends undecided."""
    user = cast(User, request.user)
    trial = trial_of(number, user)
    if trial is not None and not hasattr(trial, "answer"):
        note = request.POST.get("note", "")
        pass_trial(number=number, user=user, note=note, now=timezone.now())
    return trial is not None


def _answer(request: HttpRequest, trial: Trial, shown: Case) -> Attempt | None:
    """None where it was taken."""
    name, user, now = request.POST.get("move", ""), cast(User, request.user), timezone.now()
    if name not in AMOUNTS:
        note = request.POST.get("note") or request.POST.get("text") or ""
        pass_trial(number=trial.number, user=user, note=note, now=now)
        return None
    form = MOVES[name].form(request.POST, case_of=shown.request, auto_id=f"{name}-%s")
    if not form.is_valid():
        _show(request, [error for errors in form.errors.values() for error in errors])
        return Attempt(name, form, 422)
    data = form.cleaned_data
    said = {key: data[key] for key in ("note", "fault", "deviation", "shares", "clause") if key in data}
    try:
        answer_trial(number=trial.number, user=user, amount=AMOUNTS[name](data), now=now, **said)
    except TrialAnswered:  # in another window: what it was stands there
        return None
    except Refusal as refusal:
        _show(request, [refusal.detail, *hints(refusal)])
        return Attempt(name, form, refusal.status)
    return None


def _show(request: HttpRequest, texts: list[Any]) -> None:
    messages.error(request, " ".join(str(text) for text in texts))


def _told(request: HttpRequest, trial: Trial, context: dict[str, Any]) -> HttpResponse:
    known, answer = trial.known, trial.answer
    mine: list[Any] = [answer.get_outcome_display(), "–", "–"]
    if answer.outcome != TrialAnswer.PASSED:
        mine[1:] = [money(answer.amount, known.request.currency), Fault(answer.fault).label]
    agreed = [Outcome(known.outcome).label, range_words(known), Fault(known.fault).label]
    context = {
        **context,
        "title": trial.number,
        "known": known,
        "answer": answer,
        "badge": look_badge(AGREES[verdict(known, answer).agrees]),
        "compared": list(
            zip((_("Outcome"), _("Goes back"), _("Who is at fault")), mine, agreed, strict=True)
        ),
        "real": known.request.number,
    }
    return TemplateResponse(request, "desk/trial.html", context)


def marking(user: User, row: RefundRequest) -> dict[str, str]:
    """For desk/case/known.html: where this person marks the closed case."""
    if row.state not in CLOSED or not may_do(user, "mark_known"):
        return {}
    return {"mark_known": f"{reverse('admin:refunds_knownanswer_add')}?number={row.number}"}


def range_words(known: KnownAnswer) -> str:
    """What should go back: one amount, or from one to another."""
    ends = dict.fromkeys(money(amount, known.request.currency) for amount in (known.low, known.high))
    return " – ".join(ends)
