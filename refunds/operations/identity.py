"""A buyer's identity (requirement B9): across a border nothing is paid before somebody has checked it."""

from datetime import datetime

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import Buyer, User
from marketplace.kernel.errors import NotFound, Refusal
from marketplace.kernel.outbox import enqueue
from marketplace.payments.operations.stuck import release_held

from ..machine import State
from ..models import RefundRequest
from . import money_desk as desk

MAY_VERIFY = "identity.change_buyer"


class AlreadyVerified(Refusal):
    code = "identity_already_verified"
    title = _("This buyer's identity is verified already.")


def verify_identity(*, buyer_id: int, note: str, user: User, now: datetime) -> Buyer:
    """Record once that `user` has seen who the buyer is, and by what; what waited for it is paid at once.

    Raises NotPermitted, NotFound, WhyNeeded, CardNumber, AlreadyVerified.
    """
    desk.check(user, MAY_VERIFY)
    note = desk.why(note)
    with transaction.atomic(durable=True):
        buyer = Buyer.objects.select_for_update(no_key=True).filter(pk=buyer_id).first()
        if buyer is None:
            raise NotFound()
        if buyer.identity_verified_at is not None:
            raise AlreadyVerified()
        # The payer sets a transfer aside under its request's lock: what it sets aside until we have it, we find.
        paying = RefundRequest.objects.select_for_update(of=("self",)).filter(
            buyer=buyer, state__in=(State.APPROVED, State.REFUNDING)
        )
        requests = {request.number: request for request in paying.order_by("id")}
        buyer.identity_verified_at = now
        buyer.save(update_fields=["identity_verified_at"])
        for number in release_held(list(requests), now):
            text = gettext("The buyer's identity is verified (%(why)s); the money goes out.")
            desk.trace(requests[number], user, text % {"why": note}, now)
            enqueue("refunds.pay", number)
        _keep(buyer, note, user, now)
        return buyer


def _keep(buyer: Buyer, note: str, user: User, now: datetime) -> None:
    """Who saw it and how, beside the buyer: there may be no case to write it into."""
    LogEntry.objects.create(
        user=user,
        content_type=ContentType.objects.get_for_model(Buyer),
        object_id=str(buyer.pk),
        object_repr=str(buyer)[:200],
        action_flag=CHANGE,
        change_message=note,
        action_time=now,
    )
