"""What a channel cannot return goes by hand, with two persons, each by its own role, and is booked once (G7)."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from marketplace.identity.roles import Role
from marketplace.kernel import crypto
from marketplace.kernel.errors import NotFound, NotPermitted, SecondPersonNeeded
from marketplace.ledger.models import Transaction
from marketplace.ledger.queries import balance
from marketplace.payments.models import Payout, SandboxRefund, Transfer
from marketplace.payments.operations import payout as payouts
from marketplace.payments.operations.payout import Payee
from refunds.invariants import INVARIANTS, breaks
from refunds.machine import State
from refunds.models import Message, RefundRequest
from refunds.operations import money_desk, pay_by_hand, unstick
from refunds.operations.pay import pay
from refunds.operations.say import CardNumber
from tests.cases import make_request
from tests.factories import StaffFactory
from tests.people import Cast

from .by_hand import (
    CLOSED_CARD,
    PAYEE,
    all_is_well,
    confirmed,
    later,
    now,
    proposed,
    refused,
    refused_by_channel,
)


def test_closed_card_is_paid_by_hand_by_two_persons_and_booked(cast: Cast) -> None:
    transfer = refused_by_channel(cast)
    assert (transfer.state, transfer.error_code) == (Transfer.State.FAILED, "card_closed")
    payout = proposed(cast, transfer)
    refused(SecondPersonNeeded, lambda: confirmed(payout, cast.finance))
    done = confirmed(payout, cast.supervisor)
    transfer.refresh_from_db()
    assert (done.proposed_by, done.decided_by) == (cast.finance, cast.supervisor)
    assert transfer.state == Transfer.State.SUCCEEDED
    assert transfer.settled_at == done.paid_at
    assert RefundRequest.objects.get().state == State.REFUNDED
    assert balance("bank", "platform", "CNY") == -CLOSED_CARD
    assert balance("escrow", cast.seller.code, "CNY") == 0
    assert balance("clearing", "alipay", "CNY") == CLOSED_CARD  # the channel has not paid
    assert Transaction.objects.filter(reference=f"payout:{transfer.number}", recipe="payout").count() == 1
    assert all_is_well()


def test_request_closes_only_when_its_other_transfer_is_through_too(cast: Cast) -> None:
    request = make_request(cast, state=State.APPROVED, total=CLOSED_CARD + 74, captures=[CLOSED_CARD, 74])
    pay(request.number, now())
    by_hand, pending = Transfer.objects.order_by("id")
    assert (by_hand.state, pending.state) == (Transfer.State.FAILED, Transfer.State.PENDING)
    confirmed(proposed(cast, by_hand), cast.supervisor)
    assert RefundRequest.objects.get().state == State.REFUNDING
    SandboxRefund.objects.update(succeeds_at=now())
    pay(request.number, later(60))
    assert RefundRequest.objects.get().state == State.REFUNDED
    assert all_is_well()


def test_rejected_payout_pays_nothing_and_another_can_be_proposed(cast: Cast) -> None:
    transfer = refused_by_channel(cast)
    first = proposed(cast, transfer)
    refused(
        SecondPersonNeeded,
        lambda: pay_by_hand.reject(payout_id=first.pk, user=cast.finance, now=now()),
    )
    pay_by_hand.reject(payout_id=first.pk, user=cast.supervisor, now=now(), note="Not the buyer's account.")
    transfer.refresh_from_db()
    assert transfer.state == Transfer.State.FAILED
    assert not Transaction.objects.filter(recipe="payout").exists()
    refused(payouts.PayoutDecided, lambda: confirmed(first, cast.supervisor))
    confirmed(proposed(cast, transfer, user=cast.supervisor), cast.finance)
    assert RefundRequest.objects.get().state == State.REFUNDED
    assert all_is_well()


def test_every_act_is_kept_in_the_case_for_staff_alone(cast: Cast) -> None:
    transfer = refused_by_channel(cast)
    payout = proposed(cast, transfer, note="Card closed, says the buyer.")
    pay_by_hand.see_payee(payout_id=payout.pk, user=cast.supervisor, now=now())
    confirmed(payout, cast.supervisor, "BANK-77")
    said = list(Message.objects.order_by("id").values_list("user", "is_internal", "text"))
    assert [(user, internal) for user, internal, _text in said] == [
        (cast.finance.pk, True), (cast.supervisor.pk, True), (cast.supervisor.pk, True),
    ]  # fmt: skip
    for (_user, _internal, text), words in zip(
        said, ["Card closed, says the buyer.", "张** ··6789", "BANK-77"], strict=True
    ):
        assert words in text
    assert not any("6225880123456789" in text for _user, _internal, text in said)


def test_payee_is_sealed_to_its_transfer_and_shown_by_hint_alone(cast: Cast) -> None:
    payout = proposed(cast, refused_by_channel(cast))
    assert payout.payee_hint == "张** ··6789"
    sealed = bytes(Payout.objects.get().sealed_payee)
    assert b"6225880123456789" not in sealed
    with pytest.raises(crypto.CannotDecrypt):
        crypto.unseal(sealed, "payout:RT-ANOTHER")
    seen = pay_by_hand.see_payee(payout_id=payout.pk, user=cast.supervisor, now=now())
    assert seen == Payee("张三", "招商银行", "6225880123456789")


def test_payee_under_a_lost_key_is_refused_by_name_and_no_view_is_kept(cast: Cast, settings: Any) -> None:
    payout = proposed(cast, refused_by_channel(cast))
    settings.FIELD_KEYS = ["other:" + "A" * 43 + "="]
    refused(
        pay_by_hand.PayeeUnreadable,
        lambda: pay_by_hand.see_payee(payout_id=payout.pk, user=cast.supervisor, now=now()),
    )


@pytest.mark.parametrize(
    ("payee", "field"),
    [
        (PAYEE._replace(name="  "), "name"),
        (PAYEE._replace(name="x" * 65), "name"),
        (PAYEE._replace(bank=""), "bank"),
        (PAYEE._replace(account="1234"), "account"),
        (PAYEE._replace(account="6225!8801"), "account"),
        (PAYEE._replace(account="6" * 35), "account"),
        (PAYEE._replace(account="六二二五八八"), "account"),
    ],
)
def test_payee_that_cannot_be_paid_is_refused_naming_the_field(cast: Cast, payee: Payee, field: str) -> None:
    transfer = refused_by_channel(cast)
    refusal = refused(payouts.BadPayee, lambda: proposed(cast, transfer, payee=payee))
    assert refusal.extra["field"] == field


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("６２２５ ８８０１", "62258801"),
        ("6225-8801", "62258801"),
        ("gb33bukb20201555555555", "GB33BUKB20201555555555"),
    ],
)
def test_account_is_kept_as_banks_read_it(typed: str, kept: str) -> None:
    assert payouts.clean(PAYEE._replace(account=typed)).account == kept


def test_proposal_says_why_and_holds_no_card_number(cast: Cast) -> None:
    transfer = refused_by_channel(cast)
    refused(money_desk.WhyNeeded, lambda: proposed(cast, transfer, note=" "))
    refused(CardNumber, lambda: proposed(cast, transfer, note="Pay 6225 8801 2345 6789 instead."))


@pytest.mark.parametrize("reference", ["", "  ", "x" * 65, "A\nB"])
def test_payment_without_the_banks_reference_is_not_confirmed(cast: Cast, reference: str) -> None:
    payout = proposed(cast, refused_by_channel(cast))
    refused(payouts.BankReferenceNeeded, lambda: confirmed(payout, cast.supervisor, reference))


def test_one_bank_payment_confirms_one_payout(cast: Cast) -> None:
    first, second = (proposed(cast, refused_by_channel(cast)) for _ in range(2))
    confirmed(first, cast.supervisor, "BANK-1")
    refused(payouts.BankReferenceUsed, lambda: confirmed(second, cast.supervisor, " BANK-1 "))
    confirmed(second, cast.supervisor, "BANK-2")
    assert balance("bank", "platform", "CNY") == -2 * CLOSED_CARD
    assert all_is_well()


def test_second_proposal_beside_a_standing_one_is_refused(cast: Cast) -> None:
    transfer = refused_by_channel(cast)
    payout = proposed(cast, transfer)
    refused(payouts.PayoutStands, lambda: proposed(cast, transfer, user=cast.supervisor))
    confirmed(payout, cast.supervisor)
    refused(payouts.NotByHand, lambda: proposed(cast, transfer))
    refused(payouts.PayoutDecided, lambda: confirmed(payout, cast.supervisor, "BANK-2"))
    refused(
        payouts.PayoutDecided,
        lambda: pay_by_hand.reject(payout_id=payout.pk, user=cast.supervisor, now=now()),
    )


@pytest.mark.parametrize("state", [s for s in Transfer.State.values if s not in ("failed", "abnormal")])
def test_only_what_the_channel_has_refused_goes_by_hand(cast: Cast, state: str) -> None:
    transfer = refused_by_channel(cast)
    settled_at = now() if state == "succeeded" else None
    sent_at = None if state == "cancelled" else now()
    by_chargeback = 1 if state == "charged_back" else 0
    Transfer.objects.update(state=state, settled_at=settled_at, sent_at=sent_at, by_chargeback=by_chargeback)
    refused(payouts.NotByHand, lambda: proposed(cast, transfer))


def test_what_is_nobodys_is_not_found(cast: Cast) -> None:
    for call in (
        lambda: pay_by_hand.propose(
            transfer_number="RT-NONE", payee=PAYEE, note="x", user=cast.finance, now=now()
        ),
        lambda: pay_by_hand.confirm(payout_id=0, bank_reference="B", user=cast.finance, now=now()),
        lambda: pay_by_hand.reject(payout_id=0, user=cast.finance, now=now()),
        lambda: pay_by_hand.see_payee(payout_id=0, user=cast.finance, now=now()),
        lambda: unstick.ask_again(transfer_number="RT-NONE", user=cast.finance, now=now()),
        lambda: unstick.send_again(transfer_number="RT-NONE", note="x", user=cast.finance, now=now()),
        lambda: unstick.give_up_channel(transfer_number="RT-NONE", note="x", user=cast.finance, now=now()),
    ):
        refused(NotFound, call)


@pytest.mark.parametrize("role", [r for r in Role.values if r not in (Role.FINANCE, Role.SUPERVISOR)])
def test_other_roles_move_no_money_by_hand(cast: Cast, role: str) -> None:
    user = StaffFactory.create(role=role)
    free, manual, waiting = refused_by_channel(cast), refused_by_channel(cast), refused_by_channel(cast)
    Transfer.objects.filter(pk=manual.pk).update(state=Transfer.State.MANUAL)
    payout = proposed(cast, waiting)
    for call in (
        lambda: proposed(cast, free, user=user),
        lambda: confirmed(payout, user),
        lambda: pay_by_hand.reject(payout_id=payout.pk, user=user, now=now()),
        lambda: pay_by_hand.see_payee(payout_id=payout.pk, user=user, now=now()),
        lambda: unstick.ask_again(transfer_number=free.number, user=user, now=now()),
        lambda: unstick.send_again(transfer_number=manual.number, note="x", user=user, now=now()),
        lambda: unstick.give_up_channel(transfer_number=manual.number, note="x", user=user, now=now()),
    ):
        refused(NotPermitted, call)


# --- Held by the database --------------------------------------------------------------------------------


def row(transfer: Transfer, cast: Cast, **fields: Any) -> Payout:
    return Payout.objects.create(
        **{
            "transfer": transfer, "sealed_payee": b"x", "payee_hint": "x", "note": "x",
            "proposed_by": cast.finance, "proposed_at": now(), **fields,
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("constraint", "decided_by", "fields"),
    [
        ("payout_by_two_persons", "finance", {"paid_at": True, "bank_reference": "B"}),
        ("payout_by_two_persons", "finance", {"rejected_at": True}),
        ("payout_paid_or_rejected", "supervisor", {"paid_at": True}),
        ("payout_paid_or_rejected", "supervisor", {"paid_at": True, "rejected_at": True, "bank_reference": "B"}),
        ("payout_paid_or_rejected", "supervisor", {}),
        ("payout_paid_or_rejected", None, {"paid_at": True, "bank_reference": "B"}),
    ],
)  # fmt: skip
def test_payout_of_one_person_or_without_a_reference_is_refused_by_the_database(
    cast: Cast, constraint: str, decided_by: str | None, fields: dict[str, Any]
) -> None:
    transfer = refused_by_channel(cast)
    filled = {name: now() if value is True else value for name, value in fields.items()}
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        row(transfer, cast, decided_by=getattr(cast, decided_by) if decided_by else None, **filled)


def test_second_payout_of_one_transfer_is_refused_by_the_database(cast: Cast) -> None:
    transfer, other = refused_by_channel(cast), refused_by_channel(cast)
    row(transfer, cast, decided_by=cast.supervisor, rejected_at=now())
    row(transfer, cast, decided_by=cast.supervisor, paid_at=now(), bank_reference="B1")
    with pytest.raises(IntegrityError, match="one_payout_per_transfer"), transaction.atomic():
        row(transfer, cast)
    with pytest.raises(IntegrityError, match="bank_reference_once"), transaction.atomic():
        row(other, cast, decided_by=cast.supervisor, paid_at=now(), bank_reference="B1")


def test_invariant_finds_a_payout_beside_a_refund_and_one_that_is_not_booked(cast: Cast) -> None:
    [law] = [invariant for invariant in INVARIANTS if invariant.name == "payout_booked_once"]
    transfer = refused_by_channel(cast)
    paid = row(transfer, cast, decided_by=cast.supervisor, paid_at=now(), bank_reference="B1")
    assert breaks(law)  # neither booked nor succeeded
    Payout.objects.filter(pk=paid.pk).delete()
    confirmed(proposed(cast, transfer), cast.supervisor)
    assert not breaks(law)
    Transaction.objects.create(reference=f"refund:{transfer.number}", recipe="refund", occurred_at=now())
    assert breaks(law)
