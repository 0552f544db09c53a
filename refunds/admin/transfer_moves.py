"""What a person may do about a stuck transfer: each move is one form on its page, posted to one operation."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound
from marketplace.payments.models import Payout, Transfer
from marketplace.payments.operations.payout import Payee
from refunds.operations import pay_by_hand, unstick
from refunds.operations.money_desk import MAX_WHY, MAY_PAY

from .record import RecordMove

Cleaned = Mapping[str, Any]
LINE = 200  # characters; what an operation takes of them is its own to say


def _line(label: Any, help_text: Any = "") -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "off"})
    return forms.CharField(label=label, help_text=help_text, required=False, max_length=LINE, widget=widget)


class WhyForm(forms.Form):
    note = forms.CharField(
        label=_("Why"),
        help_text=_("Kept in the case, for staff alone."),
        required=False,
        max_length=MAX_WHY,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class PayeeForm(WhyForm):
    field_order = ("name", "bank", "account", "note")

    name = _line(_("Payee"), _("As on the account. The buyer, and nobody else."))
    bank = _line(_("Bank"))
    account = _line(_("Account number"))


class PayoutForm(forms.Form):
    """The payout as this person saw it, so that one proposed meanwhile is not decided unseen."""

    payout = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**63 - 1)


class ReferenceForm(PayoutForm):
    bank_reference = _line(_("Bank's reference"), _("Of the payment you have made, at most 64 characters."))


class RejectForm(PayoutForm, WhyForm):
    pass


def _ask(transfer: Transfer, user: User, data: Cleaned, now: datetime) -> object:
    return unstick.ask_again(transfer_number=transfer.number, user=user, now=now)


def _send_again(transfer: Transfer, user: User, data: Cleaned, now: datetime) -> object:
    return unstick.send_again(transfer_number=transfer.number, note=data["note"], user=user, now=now)


def _give_up(transfer: Transfer, user: User, data: Cleaned, now: datetime) -> object:
    return unstick.give_up_channel(transfer_number=transfer.number, note=data["note"], user=user, now=now)


def _propose(transfer: Transfer, user: User, data: Cleaned, now: datetime) -> object:
    payee = Payee(data["name"], data["bank"], data["account"])
    return pay_by_hand.propose(
        transfer_number=transfer.number, payee=payee, note=data["note"], user=user, now=now
    )


def _confirm(transfer: Transfer, user: User, data: Cleaned, now: datetime) -> object:
    return pay_by_hand.confirm(
        payout_id=_of(transfer, data), bank_reference=data["bank_reference"], user=user, now=now
    )


def _reject(transfer: Transfer, user: User, data: Cleaned, now: datetime) -> object:
    return pay_by_hand.reject(payout_id=_of(transfer, data), note=data["note"], user=user, now=now)


def _see_payee(transfer: Transfer, user: User, data: Cleaned, now: datetime) -> object:
    return pay_by_hand.see_payee(payout_id=_of(transfer, data), user=user, now=now)


def _of(transfer: Transfer, data: Cleaned) -> int:
    """The payout, which is this transfer's. Raises NotFound."""
    if not Payout.objects.filter(pk=data["payout"], transfer=transfer).exists():
        raise NotFound()
    return int(data["payout"])


SEE_PAYEE = "see_payee"
MOVES: dict[str, RecordMove] = {
    SEE_PAYEE: RecordMove(
        _("Show the payee's account"), _("To pay it at the bank. Your name is kept with each view."),
        "visibility", "calm", PayoutForm, _see_payee, "",
    ),
    "confirm": RecordMove(
        _("Confirm the payment"), _("The bank has paid: the payment is booked, and the case is done."),
        "verified_user", "good", ReferenceForm, _confirm, _("Confirmed: paid by hand, and booked."), needs_step_up=True,
    ),
    "reject": RecordMove(
        _("Reject the payout"), _("Nothing is paid. Another payee can be proposed then."),
        "block", "bad", RejectForm, _reject, _("Rejected. Nothing was paid."), needs_step_up=True,
    ),
    "propose": RecordMove(
        _("Propose a payout by hand"), _("To an account of the buyer's. Another person pays and confirms."),
        "account_balance_wallet", "good", PayeeForm, _propose,
        _("Proposed. Another person pays it at the bank and confirms."), needs_step_up=True,
    ),
    "ask": RecordMove(
        _("Ask the channel"), _("What became of it? The answer is recorded, and nothing is sent."),
        "contact_support", "calm", forms.Form, _ask, _("Asked. What the channel said stands below."),
    ),
    "send_again": RecordMove(
        _("Send it again"), _("What the channel wanted is seen to. It is asked first, and pays one number once."),
        "send", "calm", WhyForm, _send_again, _("It is sent again, after the channel was asked."),
    ),
    "give_up": RecordMove(
        _("Give the channel up"), _("It is asked once more. After that the money can only go by hand."),
        "link_off", "bad", WhyForm, _give_up, _("The channel is given up. Propose a payout now."),
    ),
}  # fmt: skip


def open_to(user: User, transfer: Transfer, payout: Payout | None) -> dict[str, RecordMove]:
    """The moves this person may make now. `payout` is the one that stands."""
    if not user.has_perm(MAY_PAY):
        return {}
    by_hand = transfer.state in Transfer.BY_HAND_STATES
    is_manual = transfer.state == Transfer.State.MANUAL
    to_decide = payout is not None and payout.decided_by_id is None and payout.proposed_by_id != user.pk
    is_open = {
        SEE_PAYEE: payout is not None,
        "confirm": to_decide and by_hand,
        "reject": to_decide,
        "propose": by_hand and payout is None,
        "ask": by_hand or is_manual,
        "send_again": is_manual,
        "give_up": is_manual,
    }
    return {name: _about(move, payout) for name, move in MOVES.items() if is_open[name]}


def _about(move: RecordMove, payout: Payout | None) -> RecordMove:
    if payout is None:
        return move
    return move._replace(form=partial(move.form, initial={"payout": payout.pk}))
