"""Who has a case in hand (requirement K1): no two judges work on one, and none lies in the hands of somebody gone.

A hold is no state. It stands in three columns of the request, so that claiming, deciding and the lists need nothing
beside the row they lock or read anyway; what ended is a row of Hold, written by the statement that ends it.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotPermitted, Refusal
from marketplace.kernel.serializers import instant

from ..casefile.views import person
from ..machine import HOLDABLE, JUDGES, Party, State, moves_from
from ..models import Hold, Judgement, PanelMember, RefundRequest
from ..models.holds import Ending
from ..permissions import Actor
from .locking import lock_for_staff

SELDOM = timedelta(minutes=1)  # between two writes about the activity of one person in one case


class HeldByAnother(Refusal):
    code = "held_by_another"
    title = _("Another person has this case in hand.")


class NothingToDecide(Refusal):
    code = "nothing_to_decide"
    title = _("Nothing is to be decided in this case now: it is taken in hand when it needs a decision.")


class NotHeld(Refusal):
    code = "not_held"
    title = _("You do not have this case in hand.")


class NotForThem(Refusal):
    code = "not_for_them"
    status = 422
    title = _("This person may not decide the case. Choose another.")


class NoteNeeded(Refusal):
    code = "note_needed"
    status = 422
    title = _("Say why: whoever had the case in hand, or gets it, reads this.")


def idle_after() -> timedelta:
    return timedelta(minutes=settings.CLAIM_IDLE_MINUTES)


def judges(user: User, state: str) -> bool:
    """Whether this person decides cases in this state."""
    is_judge = user.is_active and user.is_staff and user.role in JUDGES
    return bool(is_judge and state in HOLDABLE and moves_from(state, user.role))


def decidable(user: User) -> Q:
    """Of the cases in a state where they judge, those this person may decide: not what they proposed themselves, not
    what they decided before an appeal, and not what arbiters sit over.
    """
    decided = Judgement.objects.filter(request=OuterRef("pk"), by=user)
    seated = PanelMember.objects.filter(request=OuterRef("pk"), left_at__isnull=True)
    return (Q(proposer__isnull=True) | ~Q(proposer=user)) & ~Exists(decided) & ~Exists(seated)


def waiting(user: User, among: Q, state: str) -> QuerySet[RefundRequest]:
    """What claim_next takes from, in its order."""
    free = RefundRequest.objects.filter(among, decidable(user), state=state, holder__isnull=True)
    return free.order_by("due_at", "id")


def claim_next(
    *, user: User, now: datetime, among: Q, state: State = State.MANUAL_REVIEW
) -> RefundRequest | None:
    """Take the case in hand that is due first, `among` those in `state` that nobody has and this person may decide.

    None where nothing waits. Raises NotPermitted.
    """
    if not judges(user, state):
        raise NotPermitted()
    with transaction.atomic(durable=True):
        request = waiting(user, among, state).select_for_update(skip_locked=True, of=("self",)).first()
        if request is not None:
            _give(request, user.pk, now)
        return request


def claim(*, number: str, user: User, now: datetime, note: str = "") -> RefundRequest:
    """Take this case in hand; a supervisor also out of another's, with a note.

    Raises HeldByAnother, NoteNeeded, NothingToDecide, NotPermitted, NotFound.
    """
    with transaction.atomic(durable=True):
        request = _lock(number, user)
        if is_held_by_another(request, user, now):
            if user.role != Party.SUPERVISOR:
                raise _held(request)
            if not note.strip():
                raise NoteNeeded()
            _end(request, Ending.TAKEN_OVER, now, by_id=user.pk, note=note.strip())
        _take(request, user, now)
        return request


def release(*, number: str, user: User, now: datetime) -> RefundRequest:
    """Put the case back, for anybody to take. Raises NotHeld, NotPermitted, NotFound, NothingToDecide."""
    with transaction.atomic(durable=True):
        request = _lock(number, user)
        if request.holder_id != user.pk:
            raise NotHeld()
        _end(request, Ending.RELEASED, now, by_id=user.pk)
        _give(request, None, now)
        return request


def hand_over(*, number: str, user: User, to_id: int, note: str, now: datetime) -> RefundRequest:
    """Give the case to another judge, with a note; a supervisor also one that others have in hand, or nobody.

    Raises NoteNeeded, NotHeld, NotForThem, NothingToDecide, NotPermitted, NotFound.
    """
    if not note.strip():
        raise NoteNeeded()
    with transaction.atomic(durable=True):
        request = _lock(number, user)
        if request.holder_id != user.pk and user.role != Party.SUPERVISOR:
            raise NotHeld()
        to = User.objects.filter(pk=to_id).first()
        mine = RefundRequest.objects.filter(pk=request.pk)
        if to is None or to.pk == request.holder_id or not judges(to, request.state):
            raise NotForThem(pointer="/to")
        if not mine.filter(decidable(to)).exists():
            raise NotForThem(pointer="/to")
        if request.holder_id != user.pk and not is_held_by_another(request, user, now):
            _end_run_out(request, now)
            # It goes through the supervisor's hands in no time: a row with their note, and one write of the request.
            request.__dict__.update(holder_id=user.pk, held_at=now)
        _end(request, Ending.HANDED_OVER, now, by_id=user.pk, note=note.strip())
        _give(request, to.pk, now)
        return request


def touch(*, number: str, user: User, now: datetime) -> bool:
    """This person is at work on the case: a hold of theirs lasts on. Returns whether that had to be written."""
    until = now + idle_after()
    mine = RefundRequest.objects.filter(number=number, holder=user, held_until__lt=until - SELDOM)
    return bool(mine.update(held_until=until))


_RELEASE_IDLE = """
WITH idle AS (
    SELECT id FROM refunds_refundrequest WHERE holder_id IS NOT NULL AND held_until <= %(now)s
    FOR UPDATE SKIP LOCKED
), freed AS (
    UPDATE refunds_refundrequest r SET holder_id = NULL, held_at = NULL, held_until = NULL
    FROM idle WHERE r.id = idle.id RETURNING r.id
)
INSERT INTO refunds_hold (request_id, user_id, held_at, ended_at, ending, note)
SELECT r.id, r.holder_id, r.held_at, %(now)s, 'idle', '' FROM refunds_refundrequest r JOIN freed ON freed.id = r.id
"""


def release_idle(now: datetime) -> int:
    """Put back what nobody has worked on for CLAIM_IDLE_MINUTES; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE_IDLE, {"now": now})
        return int(cursor.rowcount)


def lock_to_decide(number: str, user: User, now: datetime) -> tuple[RefundRequest, Actor]:
    """For the operations that decide: the request, locked, in nobody else's hands. The move ends the hold that stands.

    Raises HeldByAnother, NotPermitted, NotFound.
    """
    request, actor = lock_for_staff(number, user)
    may_decide = request.state in HOLDABLE and moves_from(request.state, actor.party)
    if may_decide and is_held_by_another(request, user, now):
        raise _held(request)
    return request, actor


def is_held_by_another(request: RefundRequest, user: User, now: datetime) -> bool:
    """A hold that ran out counts no more, though the sweep has not come by yet."""
    return request.holder_id not in (None, user.pk) and bool(request.held_until and request.held_until > now)


def colleagues(user: User, state: str) -> QuerySet[User]:
    """Whom a case in this state can be handed to."""
    roles = [role for role in sorted(JUDGES) if moves_from(state, role)]
    people = User.objects.filter(role__in=roles, is_staff=True, is_active=True).exclude(pk=user.pk)
    return people.order_by("username", "id")


def _lock(number: str, user: User) -> RefundRequest:
    """Raises NothingToDecide, NotPermitted, NotFound."""
    request, _actor = lock_for_staff(number, user)
    if user.role not in JUDGES:
        raise NotPermitted()
    if request.state not in HOLDABLE:
        raise NothingToDecide()
    if not judges(user, request.state):
        raise NotPermitted()
    return request


def _take(request: RefundRequest, user: User, now: datetime) -> None:
    """Into this person's hands, where no hold of another's stands."""
    if request.holder_id != user.pk:
        _end_run_out(request, now)
        _give(request, user.pk, now)


def _end_run_out(request: RefundRequest, now: datetime) -> None:
    """Of a hold that still stands in the row, though it counts no more."""
    if request.holder_id is not None:
        _end(request, Ending.IDLE, now)


def _give(request: RefundRequest, user_id: int | None, now: datetime) -> None:
    held: dict[str, object] = {"holder_id": user_id, "held_at": None, "held_until": None}
    if user_id is not None:
        held |= {"held_at": now, "held_until": now + idle_after()}
    RefundRequest.objects.filter(pk=request.pk).update(**held)
    request.__dict__.update(held)


def _end(
    request: RefundRequest, ending: Ending, now: datetime, *, by_id: int | None = None, note: str = ""
) -> None:
    """Write the hold that stands down as over; the caller says who has the case now."""
    assert request.holder_id is not None and request.held_at is not None
    Hold.objects.create(
        request=request,
        user_id=request.holder_id,
        held_at=request.held_at,
        ended_at=max(now, request.held_at),  # the clocks of two machines differ
        ending=ending,
        by_id=by_id,
        note=note,
    )
    request.__dict__.update(holder_id=None, held_at=None, held_until=None)


def _held(request: RefundRequest) -> HeldByAnother:
    assert request.holder_id is not None and request.held_until is not None
    who = person(User.objects.get(pk=request.holder_id))
    until = timezone.localtime(request.held_until).strftime("%H:%M")
    return HeldByAnother(
        gettext(
            "%(who)s has this case in hand until %(until)s (Beijing time), and longer while at work on it."
        )
        % {"who": who, "until": until},
        holder=who,
        until=instant(request.held_until),
    )
