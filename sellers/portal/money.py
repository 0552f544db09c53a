"""The seller's money: what is theirs, what is held and why, taking it out, and statements. Each currency by itself."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from marketplace.kernel.csvfile import csv_file
from marketplace.kernel.errors import NotFound, Refusal, Text
from marketplace.kernel.money import major
from marketplace.kernel.templatetags.recourse import money as as_money
from marketplace.ledger.models import Kind
from marketplace.ledger.queries import StatementLine, statement
from marketplace.ledger.recipes import REVERSAL
from marketplace.payments.models import Withdrawal
from refunds.exposure import Funds, funds
from refunds.operations.withdraw_funds import request_withdrawal
from sellers.models import Membership

from .access import for_member
from .forms import StatementForm, WithdrawForm
from .money_looks import MOVEMENTS, PARTS, WITHDRAWALS

WITHDRAWALS_SHOWN = 20
LINES_SHOWN = 100  # the file has them all
SAME_SUM_WITHIN = timedelta(seconds=30)  # a withdrawal asked for twice by a second press


class Piece(NamedTuple):
    """A part of the bar: where it begins and how wide it is, of 100."""

    key: str
    label: Text
    meaning: Text
    amount: int
    x: str
    width: str


class Block(NamedTuple):
    funds: Funds
    pieces: list[Piece]
    form: WithdrawForm
    refusal: str


class Line(NamedTuple):
    at: datetime
    what: Text
    reference: str
    amount: int
    balance: int


@for_member
@require_safe
def money(request: HttpRequest, membership: Membership) -> HttpResponse:
    return _page(request, membership)


@for_member
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, membership: Membership) -> HttpResponse:
    """The form stands on the money page; its address, opened by itself, leads there."""
    if request.method != "POST":
        return redirect("portal:money")
    form, now = WithdrawForm(request.POST), timezone.now()
    if not form.is_valid():
        return _page(request, membership, refused=form)
    amount, currency = form.cleaned_data["amount"], form.cleaned_data["currency"]
    if _just_asked(membership, amount, currency, now):
        messages.info(request, _("This withdrawal was asked for already; it was not asked for twice."))
        return redirect("portal:money")
    try:
        asked = request_withdrawal(user=membership.user, amount=amount, currency=currency, now=now)
    except Refusal as refusal:
        return _page(request, membership, refused=form, why=_why(refusal, currency), status=refusal.status)
    done = _("Done: %(sum)s is set aside as %(number)s. Finance pays it to your bank account.")
    messages.success(request, done % {"sum": as_money(amount, currency), "number": asked.number})
    return redirect("portal:money")


@for_member
@require_safe
def statement_file(request: HttpRequest, membership: Membership) -> HttpResponse:
    """The statement as CSV: headers in the reader's language, amounts in whole units of the currency."""
    form = StatementForm(request.GET, currencies=_currencies(membership))
    if not form.is_valid():
        raise NotFound()
    chosen = form.cleaned_data
    name = f"{membership.seller.pk}-{chosen['account']}-{chosen['currency']}-{chosen['since']}-{chosen['until']}.csv"
    header = [_("Time"), _("Movement"), _("Reference"), _("Amount"), _("Balance"), _("Currency")]
    return csv_file(name, header, (_row(line, chosen["currency"]) for line in _lines(membership, chosen)))


def _row(line: Line, currency: str) -> list[Any]:
    at = timezone.localtime(line.at).strftime("%Y-%m-%d %H:%M:%S")
    return [
        at,
        line.what,
        line.reference,
        major(line.amount, currency),
        major(line.balance, currency),
        currency,
    ]


def _page(
    request: HttpRequest,
    membership: Membership,
    *,
    refused: WithdrawForm | None = None,
    why: str = "",
    status: int = 422,
) -> HttpResponse:
    found = funds(membership.seller)
    asked = request.GET if "account" in request.GET else None
    currencies = [each.currency for each in found]
    form = StatementForm(asked, currencies=currencies)
    lines = list(_lines(membership, form.chosen, LINES_SHOWN + 1)) if form.chosen else []
    withdrawals = Withdrawal.objects.filter(seller=membership.seller).order_by("-id")[:WITHDRAWALS_SHOWN]
    context = {
        "membership": membership,
        "blocks": [_block(each, refused, why) for each in found],
        "withdrawals": [(WITHDRAWALS[row.state], row) for row in withdrawals],
        "statement_form": form,
        "chosen": form.chosen,
        "lines": lines[:LINES_SHOWN],
        "has_more": len(lines) > LINES_SHOWN,
    }
    return render(request, "portal/money.html", context, status=status if refused else 200)


def _block(found: Funds, refused: WithdrawForm | None, why: str) -> Block:
    is_refused = refused is not None and refused.data.get("currency") == found.currency
    blank = WithdrawForm(initial={"currency": found.currency}, auto_id=f"withdraw-{found.currency}-%s")
    if is_refused and refused is not None:
        refused.auto_id = blank.auto_id
        return Block(found, _pieces(found), refused, why)
    return Block(found, _pieces(found), blank, "")


def _pieces(found: Funds) -> list[Piece]:
    amounts = {
        "escrow": found.escrow, "held": found.held, "free": found.withdrawable, "withdrawing": found.withdrawing,
    }  # fmt: skip
    whole, done, pieces = sum(amounts.values()) or 1, 0, []
    for key, amount in amounts.items():
        label, meaning = PARTS[key]
        pieces.append(
            Piece(key, label, meaning, amount, f"{100 * done / whole:.2f}", f"{100 * amount / whole:.2f}")
        )
        done += amount
    return pieces


def _why(refusal: Refusal, currency: str) -> str:
    """The refusal with its figures, as far as it names any."""
    figures = {
        "debt": _("owed: %(sum)s"),
        "payable": _("payable: %(sum)s"),
        "deposit": _("deposit: %(sum)s"),
        "exposure": _("open cases may need: %(sum)s"),
        "withdrawable": _("can be taken out now: %(sum)s"),
    }
    named = [
        text % {"sum": as_money(refusal.extra[name], currency)}
        for name, text in figures.items()
        if name in refusal.extra
    ]
    return " ".join([str(refusal.detail), *([f"({'; '.join(named)})"] if named else [])])


def _just_asked(membership: Membership, amount: int, currency: str, now: datetime) -> bool:
    return Withdrawal.objects.filter(
        seller=membership.seller, requested_by=membership.user, amount=amount, currency=currency,
        state=Withdrawal.State.REQUESTED, requested_at__gt=now - SAME_SUM_WITHIN,
    ).exists()  # fmt: skip


def _currencies(membership: Membership) -> list[str]:
    return [each.currency for each in funds(membership.seller)]


def _lines(membership: Membership, chosen: dict[str, Any], limit: int | None = None) -> Iterator[Line]:
    """From the seller's side: what comes in is positive. Of a debt, what is owed."""
    sign = 1 if chosen["account"] == Kind.DEBT else -1
    found = statement(
        chosen["account"], membership.seller.code, chosen["currency"],
        since=_midnight(chosen["since"]), until=_midnight(chosen["until"] + timedelta(days=1)), limit=limit,
    )  # fmt: skip
    for line in found:
        yield Line(line.at, _what(line), line.reference, sign * line.amount, sign * line.balance)


def _what(line: StatementLine) -> Text:
    """A reversal is named for what it takes back: "reversal:refund:RT…"."""
    what = ":".join(line.reference.split(":")[:2]) if line.recipe == REVERSAL else line.recipe
    return MOVEMENTS.get(what, MOVEMENTS[REVERSAL])


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone())
