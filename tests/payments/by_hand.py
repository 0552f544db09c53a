"""Refunds a channel refused, or left to a person, and the channels that say so."""

from typing import Any

import pytest
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.kernel.errors import Refusal
from marketplace.ledger.models import Transaction
from marketplace.payments import gateways
from marketplace.payments.gateways.base import ChannelUnreachable, Result, Status
from marketplace.payments.models import Payout, SandboxRefund, Transfer
from marketplace.payments.operations.payout import Payee
from marketplace.risk.models import Dispute
from refunds.invariants import INVARIANTS, breaks
from refunds.machine import State
from refunds.models import Message, RefundRequest
from refunds.operations import pay_by_hand
from refunds.operations.pay import pay
from tests.cases import make_request
from tests.factories import hours
from tests.people import Cast

CLOSED_CARD = 9_971  # the sandbox refuses it for good
PAYEE = Payee("张三", "招商银行", "6225 8801 2345 6789")


def now() -> Any:
    return timezone.now()


def later(seconds: float) -> Any:
    return timezone.now() + hours(seconds / 3600)


def refused_by_channel(cast: Cast, total: int = CLOSED_CARD) -> Transfer:
    request = make_request(cast, state=State.APPROVED, total=total)
    pay(request.number, now())
    return Transfer.objects.get(reference=request.number)


def proposed(cast: Cast, transfer: Transfer, **fields: Any) -> Payout:
    filled = {"payee": PAYEE, "note": "The card is closed.", "user": cast.finance, "now": now(), **fields}
    return pay_by_hand.propose(transfer_number=transfer.number, **filled)


def confirmed(payout: Payout, user: User, reference: str = "BANK-1") -> Payout:
    return pay_by_hand.confirm(payout_id=payout.pk, bank_reference=reference, user=user, now=now())


def paid_at_sandbox(transfer: Transfer, amount: int = CLOSED_CARD) -> None:
    """The channel paid after all, and keeps it in its own books."""
    SandboxRefund.objects.create(
        number=transfer.number, channel_no="x", amount=amount, currency="CNY", succeeds_at=now()
    )


def standing() -> tuple[Any, ...]:
    """All that a refused move may not change."""
    return (
        list(Transfer.objects.order_by("id").values_list("state", "settled_at", "next_try_at", "resend_until")),
        list(Payout.objects.order_by("id").values_list("pk", "decided_by", "paid_at", "rejected_at")),
        list(RefundRequest.objects.order_by("id").values_list("state", "sequence")),
        Transaction.objects.count(),
        Message.objects.count(),
    )  # fmt: skip


def refused(error: type[Refusal], call: Any) -> Refusal:
    before = standing()
    with pytest.raises(error) as caught:
        call()
    assert standing() == before
    return caught.value


def all_is_well() -> bool:
    return [invariant.name for invariant in INVARIANTS if breaks(invariant)] == []


def silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateways, "SANDBOX", f"{__name__}.Silent")


def answer_with(monkeypatch: pytest.MonkeyPatch, result: Result) -> None:
    monkeypatch.setattr(Saying, "result", result)
    monkeypatch.setattr(gateways, "SANDBOX", f"{__name__}.Saying")


class Silent:
    """A channel whose line is cut."""

    def query(self, instruction: Any) -> Result:
        raise ChannelUnreachable("no route to host")


class Saying:
    result = Result(Status.UNKNOWN)

    def query(self, instruction: Any) -> Result:
        return self.result


def make_dispute(transfer: Transfer, **fields: Any) -> Dispute:
    closed_at = None if fields.get("state", "open") == "open" else now()
    return Dispute.objects.create(
        **{
            "number": f"DP{Dispute.objects.count()}", "kind": "chargeback", "channel": "alipay",
            "channel_dispute_no": f"D{Dispute.objects.count()}", "capture": transfer.claim.capture,
            "amount": CLOSED_CARD, "currency": "CNY", "opened_at": now(), "closed_at": closed_at, **fields,
        }
    )  # fmt: skip


def stuck(cast: Cast, state: str = Transfer.State.MANUAL, total: int = 9_900) -> Transfer:
    """Sent once without an answer, and left to a person."""
    request = make_request(cast, state=State.REFUNDING, total=total)
    Transfer.objects.filter(reference=request.number).update(
        state=state, attempts=1, sent_at=later(-90_000), resend_until=later(-3_600), error_code="unreachable"
    )
    return Transfer.objects.get(reference=request.number)
