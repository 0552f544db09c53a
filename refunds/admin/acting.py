"""What is posted on the case page: one move, one deed or one message, by one operation."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, cast

from django.contrib import messages
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, Refusal
from refunds.machine import State
from refunds.models import RefundRequest
from refunds.operations.say import say_as_staff

from .deeds import DEEDS, deed_form, units_of
from .forms import SayForm
from .hints import hints
from .moves import APPROVALS, MOVES, bound

SAY, NOTE = "say", "note"


class Attempt(NamedTuple):
    """A post that was refused: which form, as it was typed, and the HTTP status that says why."""

    name: str
    form: Any
    status: int


def act(request: HttpRequest, number: str) -> Attempt | None:
    """None when it was done; what was typed when it was refused. Raises NotFound."""
    name = request.POST.get("move", "")
    if name in (SAY, NOTE):
        return _say(request, number, name)
    if name not in MOVES and name not in DEEDS:
        messages.error(request, _("There is no such move."))
        return Attempt("", None, 400)
    case_of = RefundRequest.objects.filter(number=number).first()
    if case_of is None:
        raise NotFound()
    return _decide(request, name, case_of) if name in MOVES else _do(request, name, case_of)


def _decide(request: HttpRequest, name: str, case_of: RefundRequest) -> Attempt | None:
    move = MOVES[name]
    form = bound(name, move, case_of, request.POST)

    def run() -> str:
        moved = move.run(case_of.number, cast(User, request.user), form.cleaned_data, timezone.now())
        if name in APPROVALS and moved.state != State.APPROVED:
            return _("Proposed. A second person must confirm before the money goes out.")
        return str(move.done)

    return _try(request, name, form, run)


def _do(request: HttpRequest, name: str, case_of: RefundRequest) -> Attempt | None:
    """What moves no case: see deeds.py."""
    deed = DEEDS[name]
    form = deed_form(name, units_of(case_of), request.POST)

    def run() -> str:
        deed.run(case_of.number, cast(User, request.user), form.cleaned_data, timezone.now())
        return str(deed.done)

    return _try(request, name, form, run)


def _say(request: HttpRequest, number: str, name: str) -> Attempt | None:
    form = say_form(name, request.POST)
    is_internal = name == NOTE

    def run() -> str:
        user, text = cast(User, request.user), form.cleaned_data["text"]
        say_as_staff(number=number, user=user, text=text, now=timezone.now(), is_internal=is_internal)
        return _("Noted for staff.") if is_internal else _("Sent to both sides.")

    return _try(request, name, form, run)


def say_form(name: str, data: Any = None) -> SayForm:
    return SayForm(data, auto_id=f"{name}-%s")


def _try(request: HttpRequest, name: str, form: Any, run: Callable[[], str]) -> Attempt | None:
    """Read the form, run the operation, say what came of it."""
    if not form.is_valid():
        _show(request, [error for errors in form.errors.values() for error in errors])
        return Attempt(name, form, 422)
    try:
        messages.success(request, run())
    except NotFound:
        raise
    except Refusal as refusal:
        _show(request, [refusal.detail, *hints(refusal)])
        return Attempt(name, form, refusal.status)
    return None


def _show(request: HttpRequest, texts: Iterable[object]) -> None:
    messages.error(request, " ".join(str(text) for text in texts))
