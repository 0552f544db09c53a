"""Evidence goes into a case (requirements D1 to D3), by its buyer, its seller, or staff for one of them.

The file is examined, cleaned and stored before the case is locked; then one transaction takes it in, and answers
what was asked for. A file that is refused changes nothing.
"""

from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, Refusal
from marketplace.kernel.idempotency import Answer, Key, Outcome, keep, once, replay
from marketplace.kernel.models import IdempotencyKey

from ..evidence.similar import bands
from ..machine import OPEN, Party, State
from ..masking import CARD_NUMBER
from ..models import Evidence, Flag, PendingFile, RefundRequest
from ..permissions import BUYER, Actor, reach, seller_of, staff
from ..policy import EVIDENCE_KINDS
from .asked import answer_question
from .flag import flag_threats
from .locking import lock, lock_for_staff
from .say import CardNumber
from .take_file import Taken, Upload, taken

# A rejected case is open to new evidence, on which its buyer may apply again (C6).
TAKES_EVIDENCE = OPEN | {State.REJECTED}
OF_THE_BUYER_ALONE = frozenset({"identity"})
MAX_NOTE = 1000  # characters
SIDES = {Party.BUYER: [Party.BUYER], Party.SELLER: [Party.SELLER]}
STAFF_SIDE = [party for party in Party if party not in (Party.BUYER, Party.SELLER, Party.SYSTEM)]


class UnknownKind(Refusal):
    code = "unknown_kind"
    status = 422
    title = _("There is no evidence of this kind, or it is not for you to give.")


class NoteTooLong(Refusal):
    code = "note_too_long"
    status = 422
    title = _("The note has at most 1000 characters.")


class CaseClosed(Refusal):
    code = "case_closed"
    title = _("This case is closed: it takes no more evidence.")


class TooManyFiles(Refusal):
    code = "too_many_files"
    status = 422
    title = _(
        "There are as many files of yours in this case as it can take. Say what is missing as a message."
    )


class AlreadyGiven(Refusal):
    code = "already_given"
    title = _("This file is in the case already.")


class UploadLost(Refusal):
    code = "upload_lost"
    status = 503
    title = _("The upload took too long. Send the file again.")


def give_as_buyer(
    *,
    buyer_id: int,
    number: str,
    kind: str,
    upload: Upload,
    note: str,
    key: Key,
    present: Callable[[RefundRequest], Answer],
    now: datetime,
) -> Outcome:
    """The answer is kept under `key`, whose fingerprint covers the file.

    Raises UnknownKind, NoteTooLong, CardNumber, NotFound, CaseClosed, TooManyFiles, AlreadyGiven, FileRefused in one
    of its kinds, FileTooLarge, and what `once` raises.
    """
    if (first := _first_answer(key)) is not None:
        return first
    _check(kind, note, Party.BUYER)
    try:
        _look_ahead(number, Party.BUYER, upload, kind, buyer_id=buyer_id)
    except Refusal:  # as by a file that the first call with this key has put in meanwhile
        if (first := _first_answer(key)) is not None:
            return first
        raise
    with taken(upload, now) as file:

        def effect() -> tuple[Answer, int]:
            request = lock(number, buyer_id=buyer_id)
            _flag(_keep(request, file, upload, kind, note, BUYER, now))
            answer_question(request, BUYER, now)
            answer = present(request)
            keep(key, answer, 201)
            return answer, 201

        return once(key, effect)


def _first_answer(key: Key) -> Outcome | None:
    """A replay, before a file is worked on again. Raises KeyReused."""
    known = IdempotencyKey.objects.filter(scope=key.scope, key=key.value).first()
    return None if known is None else replay(key, known)


def give_as_seller(
    *, number: str, user: User, kind: str, upload: Upload, note: str, now: datetime
) -> Evidence:
    """Raises as give_as_buyer, but for the key."""
    _check(kind, note, Party.SELLER)
    request = RefundRequest.objects.filter(number=number).first()
    if request is None:
        raise NotFound()
    actor = seller_of(user, request)
    _look_ahead(number, Party.SELLER, upload, kind)
    with taken(upload, now) as file, transaction.atomic(durable=True):
        request = lock(number)
        evidence = _keep(request, file, upload, kind, note, actor, now)
        _flag(evidence)
        answer_question(request, actor, now)
        return evidence


def give_as_staff(
    *, number: str, user: User, kind: str, upload: Upload, note: str, now: datetime, side: str = ""
) -> Evidence:
    """Put in what a party sent another way (`side` buyer or seller), or what staff found themselves ("").

    The case stays in its state: whoever judges it resumes when everything is there. Raises NotPermitted, and as
    give_as_buyer, but for the key.
    """
    actor = staff(user)
    _require_reach(number, user)
    of = Actor(Party(side), user.pk) if side in (Party.BUYER, Party.SELLER) else actor
    _check(kind, note, of.party)
    _look_ahead(number, of.party, upload, kind)
    with taken(upload, now) as file, transaction.atomic(durable=True):
        request, _actor = lock_for_staff(number, user)
        return _keep(request, file, upload, kind, note, of, now)


def _require_reach(number: str, user: User) -> None:
    """Raises NotFound."""
    if not RefundRequest.objects.filter(reach(user), number=number).exists():
        raise NotFound()


def _check(kind: str, note: str, party: Party) -> None:
    if kind not in EVIDENCE_KINDS or (kind in OF_THE_BUYER_ALONE and party != Party.BUYER):
        raise UnknownKind(pointer="/kind", kinds=kinds_for(party))
    if len(note.strip()) > MAX_NOTE:
        raise NoteTooLong(pointer="/note")
    if CARD_NUMBER.search(note):
        raise CardNumber(pointer="/note")


def kinds_for(party: Party) -> list[str]:
    """The kinds a party may give: an identity document is the buyer's own."""
    return [kind for kind in EVIDENCE_KINDS if party == Party.BUYER or kind not in OF_THE_BUYER_ALONE]


def _look_ahead(number: str, party: Party, upload: Upload, kind: str, **scope: object) -> None:
    """What would be refused under the lock is refused before a file is worked on."""
    request = RefundRequest.objects.filter(number=number, **scope).first()
    if request is None:
        raise NotFound()
    _room(request, party, upload, kind)


def _room(request: RefundRequest, party: Party, upload: Upload, kind: str) -> int:
    """The position of the next file. Each side has its own number of files: nobody uses up the other's."""
    if request.state not in TAKES_EVIDENCE:
        raise CaseClosed(state=request.state)
    rows = list(Evidence.objects.filter(request=request).values_list("by", "kind", "original_sha256"))
    if any((by, of, bytes(sha)) == (party, kind, upload.sha256) for by, of, sha in rows):
        raise AlreadyGiven(pointer="/file")
    side = SIDES.get(party, STAFF_SIDE)
    if sum(by in side for by, _kind, _sha in rows) >= settings.EVIDENCE_MAX_FILES:
        raise TooManyFiles(at_most=settings.EVIDENCE_MAX_FILES)
    return len(rows) + 1


def _keep(
    request: RefundRequest, file: Taken, upload: Upload, kind: str, note: str, actor: Actor, now: datetime
) -> Evidence:
    position = _room(request, actor.party, upload, kind)
    if PendingFile.objects.filter(key=file.key, doomed_at__isnull=True).delete()[0] == 0:
        raise UploadLost(pointer="/file")
    found = file.found
    return Evidence.objects.create(
        request=request,
        position=position,
        kind=kind,
        by=actor.party,
        user_id=actor.user_id,
        note=note.strip(),
        name=file.name,
        media_type=file.media_type,
        size=file.size,
        width=found.width,
        height=found.height,
        pages=found.pages,
        original_sha256=upload.sha256,
        sha256=file.sha256,
        dhash=found.dhash,
        bands=[] if found.dhash is None else bands(found.dhash),
        key=file.key,
        at=now,
    )


def _flag(evidence: Evidence) -> None:
    """Of a side's own note: what staff write about a file they put in is theirs."""
    said_in, which = Flag.SaidIn.EVIDENCE, evidence.position
    flag_threats(evidence.request, evidence.note, evidence.at, said_in=said_in, which=which)
