"""A word in the case (requirement F4). The word of the side that was asked for something answers it."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import Refusal
from marketplace.kernel.idempotency import Answer, Key, Outcome, keep, once
from marketplace.kernel.outbox import enqueue

from ..machine import Clock, Party
from ..masking import CARD_NUMBER
from ..models import Deadline, Message, RefundRequest
from ..permissions import BUYER, Actor
from .asked import answer_question
from .flag import flag_threats
from .locking import lock, lock_for_seller, lock_for_staff

MAX_CHARACTERS = 4000
PARTIES = (Party.BUYER, Party.SELLER)  # whose threats are read by a person (F10)


class CardNumber(Refusal):
    code = "card_number"
    status = 422
    title = _("This looks like a card number. Give the last four digits, and never more.")


class NothingSaid(Refusal):
    code = "nothing_said"
    status = 422
    title = _("Write a message of 1 to 4000 characters.")


def say_as_buyer(
    *,
    buyer_id: int,
    number: str,
    text: str,
    key: Key,
    present: Callable[[RefundRequest], Answer],
    now: datetime,
) -> Outcome:
    """Raises NothingSaid, CardNumber, NotFound, and what `once` raises."""

    def effect() -> tuple[Answer, int]:
        request = lock(number, buyer_id=buyer_id)
        say(request, BUYER, text, now)
        answer_question(request, BUYER, now)
        answer = present(request)
        keep(key, answer, 201)
        return answer, 201

    return once(key, effect)


def say_as_seller(*, number: str, user: User, text: str, now: datetime) -> None:
    """Raises NothingSaid, CardNumber, NotFound."""
    with transaction.atomic(durable=True):
        request, actor = lock_for_seller(number, user)
        say(request, actor, text, now)
        answer_question(request, actor, now)


def say_as_staff(*, number: str, user: User, text: str, now: datetime, is_internal: bool = False) -> None:
    """Raises NothingSaid, CardNumber, NotPermitted, NotFound."""
    with transaction.atomic(durable=True):
        request, actor = lock_for_staff(number, user)
        say(request, actor, text, now, is_internal=is_internal)
        if not is_internal:
            owed = Deadline.objects.filter(request=request, kind=Clock.FIRST_REPLY, closed_at__isnull=True)
            owed.update(closed_at=now)


def say(request: RefundRequest, actor: Actor, text: str, now: datetime, *, is_internal: bool = False) -> None:
    if not 0 < len(text.strip()) <= MAX_CHARACTERS:
        raise NothingSaid()
    if CARD_NUMBER.search(text):
        raise CardNumber()
    message = Message.objects.create(
        request=request,
        author=actor.party,
        user_id=actor.user_id,
        text=text.strip(),
        is_internal=is_internal,
        at=now,
    )
    if actor.party in PARTIES:
        flag_threats(request, message.text, now, message=message)
    if not is_internal:
        enqueue("batch.tell_message", message.pk)
