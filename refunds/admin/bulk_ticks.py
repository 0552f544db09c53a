"""From ticked rows of a list to one form for all of them (bulk.py)."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple, cast

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import Text
from refunds import permissions
from refunds.machine import EDGES, Party
from refunds.models import BulkMove, RefundRequest
from refunds.models.bulk import ROWS_AT_MOST
from refunds.operations.bulk import DEED, TooManyTicked

from .deeds import DEEDS
from .moves import MOVES


class Choice(NamedTuple):
    """How a move for many cases looks: as for one, but for what its form says of one."""

    label: Text
    help_text: Text
    icon: str
    tone: str  # good | bad | calm
    form: type[forms.Form]
    by: frozenset[Party]


def _choice(move: str) -> Choice:
    if move in DEEDS:
        deed = DEEDS[move]
        about = _("Both sides read why. A deadline is never shortened.")
        return Choice(deed.label, about, "more_time", "calm", deed.form, permissions.DEEDS[move])
    of = MOVES[move]
    by = frozenset(party for edge in EDGES if edge.event in of.events for party in edge.by)
    return Choice(of.label, of.help_text, of.icon, of.tone, of.form, by)


CHOICES: dict[str, Choice] = {move: _choice(move) for move in BulkMove.values}


def choices_for(user: User) -> dict[str, Choice]:
    if not permissions.may_do(user, DEED):
        return {}
    return {move: choice for move, choice in CHOICES.items() if user.role in choice.by}


def form_address(move: str, cases: Sequence[int]) -> str:
    """Where the form for these cases is: an address, so that going back and reloading work."""
    query = urlencode({"move": move, "cases": ",".join(map(str, cases))})
    return f"{reverse('admin:refunds_bulkrun_add')}?{query}"


class TicksCases:
    """Rows are ticked, the move is chosen below the list, and one form takes all that is ticked."""

    actions: Any = ()

    class Media:
        js = ("desk/ticks.js",)

    def get_actions(self, request: HttpRequest) -> dict[str, tuple[Any, str, Text]]:
        return {
            f"bulk_{move}": (partial(_choose, move), f"bulk_{move}", choice.label)
            for move, choice in choices_for(cast(User, request.user)).items()
        }


def _choose(move: str, _admin: Any, request: HttpRequest, rows: QuerySet[RefundRequest]) -> HttpResponse:
    """To the form with what was ticked, also what has left the list since: the preview says what became of it."""
    if request.POST.get("select_across") == "1":
        cases = list(rows.values_list("pk", flat=True)[: ROWS_AT_MOST + 1])
    else:
        cases = [int(pk) for pk in request.POST.getlist(ACTION_CHECKBOX_NAME) if pk.isdigit()]
    if len(cases) > ROWS_AT_MOST:
        messages.error(request, str(TooManyTicked.title))
        return HttpResponseRedirect(request.get_full_path())
    return HttpResponseRedirect(form_address(move, cases))
