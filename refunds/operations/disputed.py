"""What a dispute holds of its payment, and what a refund may do beside it (requirement G2).

A dispute claims what nobody had been promised when it came in. A chargeback has taken its money: nothing else may use
it before the channel has decided. A complaint asks for the very money a refund would return, so the person who
approves the refund may take it from there; the machine may not.
"""

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Refusal
from marketplace.payments.models import Capture, Claim
from marketplace.payments.operations.reserve import NotEnoughCaptured, allocate, claim, release, reserve
from marketplace.risk.models import Dispute

from ..permissions import STAFF_PARTIES, Actor


class DisputeOpen(Refusal):
    code = "dispute_open"
    title = _("A dispute at the payment channel holds this money until the channel has decided.")


def hold_in_turn(dispute: Dispute, now: datetime) -> None:
    """Let a dispute that is new, or over, hold what it may now. A chargeback has its money already, so complaints
    about the same payment keep what it leaves. The captures are locked.
    """
    complaints = []
    if dispute.kind == Dispute.Kind.CHARGEBACK:
        rows = Dispute.objects.filter(
            capture_id=dispute.capture_id, kind=Dispute.Kind.COMPLAINT, state=Dispute.State.OPEN
        )
        complaints = list(rows.select_related("claim").order_by("id"))
    turns = [*([dispute] if dispute.state == Dispute.State.OPEN else []), *complaints]
    for each in (dispute, *complaints):
        let_go(each, now)
    for each in turns:
        hold(each, now)


def hold(dispute: Dispute, now: datetime) -> None:
    """Claim for the dispute what is left of its payment, up to its amount."""
    capture = Capture.objects.get(pk=dispute.capture_id)
    amount = min(dispute.amount, capture.available)
    if amount > 0:
        [part] = allocate([capture], amount)
        dispute.claim = claim(part, kind=Claim.Kind(dispute.kind), reference=dispute.number, now=now)
        dispute.save(update_fields=["claim"])


def let_go(dispute: Dispute, now: datetime) -> None:
    """Give free what the dispute holds, if it holds anything."""
    if dispute.claim is not None and dispute.claim.released_at is None:
        release(dispute.claim, now)


def reserve_beside_disputes(
    captures: Sequence[Capture], amount: int, *, actor: Actor, reference: str, now: datetime
) -> None:
    """Reserve `amount` of the locked captures for a refund where `allocate` did not find enough.

    A person's decision takes it from open complaints, which keep what is left. Raises DisputeOpen where a dispute
    holds the money, NotEnoughCaptured where it is gone.
    """
    holders = _holders(captures)
    yielding = (
        [d for d in holders if d.kind == Dispute.Kind.COMPLAINT] if actor.party in STAFF_PARTIES else []
    )
    for dispute in yielding:
        let_go(dispute, now)
    for capture in captures:
        capture.refresh_from_db(fields=["claimed", "claimed_settled"])
    try:
        parts = allocate(captures, amount)
    except NotEnoughCaptured as short:
        if len(holders) == len(yielding):
            raise
        raise DisputeOpen(dispute=holders[0].number, **short.extra) from short
    reserve(parts, reference=reference, now=now)
    for dispute in yielding:
        hold(dispute, now)


def open_dispute_about(captures: Sequence[Capture]) -> Dispute | None:
    """The first that is open about these captures, whether it holds anything or not."""
    return (
        Dispute.objects.filter(capture__in=captures, state=Dispute.State.OPEN).order_by("kind", "id").first()
    )


def _holders(captures: Sequence[Capture]) -> list[Dispute]:
    """Open disputes that hold something of these captures; chargebacks first, for they do not yield."""
    rows = Dispute.objects.filter(
        capture__in=captures,
        state=Dispute.State.OPEN,
        claim__isnull=False,
        claim__released_at__isnull=True,
    )
    return list(rows.select_related("claim").order_by("kind", "id"))
