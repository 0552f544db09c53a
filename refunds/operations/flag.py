"""Threats are shown to somebody who knows the law (requirement F10). A flag decides nothing and stops nothing."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, Refusal

from ..models import Flag, Message, RefundRequest
from ..permissions import require_deed
from ..policy.threats import threats
from .locking import lock_for_staff

LONGEST_WORDS = 300


class NoteNeeded(Refusal):
    code = "note_needed"
    status = 422
    title = _("Say what was found or done, in a sentence.")


class AlreadyCleared(Refusal):
    code = "already_cleared"
    title = _("This flag has been cleared already.")


def flag_threats(
    request: RefundRequest,
    text: str,
    now: datetime,
    *,
    said_in: str = Flag.SaidIn.DESCRIPTION,
    which: int = 0,
    message: Message | None = None,
) -> None:
    """Write a flag where `text`, written by a side, threatens; in the caller's transaction, and once for each text.

    `said_in` and `which` say which text it is (models.Flag).
    """
    if message is not None:
        said_in, which = Flag.SaidIn.MESSAGE, message.pk
    found = dict.fromkeys(threat.words for threat in threats(text))
    if found:
        words = " … ".join(found)[:LONGEST_WORDS]
        flag = Flag(
            request=request,
            kind=Flag.Kind.LEGAL,
            words=words,
            message=message,
            said_in=said_in,
            which=which,
            at=now,
        )
        Flag.objects.bulk_create([flag], ignore_conflicts=True)


def clear_flag(*, number: str, user: User, flag_id: int, note: str, now: datetime) -> Flag:
    """Take a flag from the queue; it stays in the case's history with the note.

    Raises NoteNeeded, AlreadyCleared, NotPermitted, NotFound.
    """
    require_deed(user, "clear_flag")
    if not note.strip():
        raise NoteNeeded()
    with transaction.atomic(durable=True):
        request, _actor = lock_for_staff(number, user)
        flag = Flag.objects.select_for_update().filter(request=request, pk=flag_id).first()
        if flag is None:
            raise NotFound()
        if flag.cleared_at is not None:
            raise AlreadyCleared()
        flag.cleared_by, flag.cleared_at, flag.note = user, now, note.strip()
        flag.save(update_fields=["cleared_by", "cleared_at", "note"])
        return flag
