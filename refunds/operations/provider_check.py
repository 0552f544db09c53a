"""Asking the recharge partner whether a unit was credited (requirement F6): by a signed call, or by letter.

What comes back is evidence of a third party. It moves no case by itself.
"""

import hashlib
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel import ids
from marketplace.kernel.crypto import CannotDecrypt
from marketplace.kernel.errors import Refusal
from marketplace.kernel.outbox import enqueue
from marketplace.orders import secrets
from marketplace.orders.models import Unit

from ..models import ProviderAnswer, ProviderCheck, RefundRequest
from ..permissions import require_deed
from ..providers import partner
from ..providers.base import Answered, Asked, NoProvider, ProviderRefuses, ProviderUnreachable
from .file import UnknownUnit
from .locking import lock_for_staff

# After each try that had no answer; after the last one a person has to write.
WAITS = tuple(timedelta(seconds=seconds) for seconds in (30, 120, 600, 1800, 3600, 3600, 3600))
FEW = 500
MAX_WORDS = 4000


class NoProviderToAsk(Refusal):
    code = "no_provider"
    title = _("No recharge partner is connected. Ask by letter, and write the answer down here.")


class AlreadyAsked(Refusal):
    code = "provider_already_asked"
    title = _("The provider has been asked about this unit and has not answered yet.")


class AnswerIncomplete(Refusal):
    code = "answer_incomplete"
    status = 422
    title = _("Name the provider, say what they answered, and copy their words.")


class CreditedWhen(Refusal):
    code = "credited_when"
    status = 422
    title = _("A time goes with “credited” alone, and lies in the past.")


class CodeInAnswer(Refusal):
    code = "code_in_answer"
    status = 422
    title = _("The answer holds the code itself. Leave it out: what is written here is read by many.")


def ask(*, number: str, user: User, unit: str, now: datetime) -> ProviderCheck:
    """Put the question; the call follows after the commit, and is tried until it is answered or given up.

    Raises NoProviderToAsk, AlreadyAsked, UnknownUnit, NotPermitted, NotFound.
    """
    require_deed(user, "ask_provider")
    try:
        name = partner().name
    except NoProvider as error:
        raise NoProviderToAsk() from error
    with transaction.atomic(durable=True):
        request, _actor = lock_for_staff(number, user)
        row = _unit(request, unit)
        if ProviderCheck.objects.filter(request=request, unit=row, answered_at__isnull=True).exists():
            raise AlreadyAsked()
        check = ProviderCheck.objects.create(
            number=ids.number("PC", now),
            request=request,
            unit=row,
            provider=name,
            asked_by=user,
            asked_at=now,
            next_try_at=now,
        )
        enqueue("refunds.ask_provider", check.pk)
        return check


def write_answer(
    *,
    number: str,
    user: User,
    unit: str,
    provider: str,
    answer: str,
    words: str,
    now: datetime,
    credited_at: datetime | None = None,
    reference: str = "",
) -> ProviderCheck:
    """Write down what the provider answered by letter or telephone, in their words. It answers a question of ours to
    the same provider that stands open, else it is question and answer in one.

    Raises AnswerIncomplete, CreditedWhen, CodeInAnswer, UnknownUnit, NotPermitted, NotFound.
    """
    require_deed(user, "write_answer")
    provider, words, reference = provider.strip(), words.strip(), reference.strip()
    if answer not in ProviderAnswer.values or not 0 < len(provider) <= 64 or not 0 < len(words) <= MAX_WORDS:
        raise AnswerIncomplete(answers=ProviderAnswer.values)
    if credited_at is not None and (answer != ProviderAnswer.CREDITED or credited_at > now):
        raise CreditedWhen()
    with transaction.atomic(durable=True):
        request, _actor = lock_for_staff(number, user)
        row = _unit(request, unit)
        _refuse_code(row, request.order.no, provider, words, reference)
        asked = {"request": request, "unit": row, "provider": provider}
        check = (
            ProviderCheck.objects.select_for_update()
            .filter(**asked, answered_at__isnull=True)
            .order_by("id")
            .first()
        )
        if check is None:
            check = ProviderCheck(number=ids.number("PC", now), asked_by=user, asked_at=now, **asked)
        given = Answered(answer, credited_at, reference[:128], hashlib.sha256(words.encode()).hexdigest())
        _answer(check, given, now, words=words, user=user)
        return check


def call(check_id: int, now: datetime) -> None:
    """Make one try. Called twice, too early or for one that is answered, it does nothing."""
    with transaction.atomic(durable=True):
        check = (
            ProviderCheck.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("request__order", "unit")
            .filter(pk=check_id, answered_at__isnull=True, next_try_at__lte=now)
            .first()
        )
        if check is None:
            return
        wait = WAITS[check.tries] if check.tries < len(WAITS) else None
        check.tries += 1
        # Set before the call: should this process die in it, the sweep asks again then.
        check.next_try_at = now + (wait or WAITS[-1])
        check.save(update_fields=["tries", "next_try_at"])
    try:
        answered = partner().ask(_question(check))
    except ProviderUnreachable as error:
        _unanswered(check, error.code, now + wait if wait else None)
    except ProviderRefuses as error:
        _unanswered(check, error.code, None)
    except (NoProvider, CannotDecrypt) as error:
        _unanswered(check, type(error).__name__, None)
    else:
        with transaction.atomic(durable=True):
            open_check = ProviderCheck.objects.select_for_update().filter(
                pk=check_id, answered_at__isnull=True
            )
            if row := open_check.first():  # a person may have been told meanwhile
                _answer(row, answered, now)


def sweep(now: datetime) -> int:
    """Queue the questions whose time has come; return how many."""
    due = ProviderCheck.objects.filter(next_try_at__lte=now).order_by("next_try_at", "id")
    found = list(due.values_list("pk", flat=True)[:FEW])
    for pk in found:
        enqueue("refunds.ask_provider", pk)
    return len(found)


def _unit(request: RefundRequest, ref: str) -> Unit:
    unit = Unit.objects.filter(refund_items__request=request, ref=ref).first()
    if unit is None:
        raise UnknownUnit(unknown=[ref])
    return unit


def _question(check: ProviderCheck) -> Asked:
    order = check.request.order
    return Asked(
        number=check.number,
        goods_type=order.goods_type,
        sku=str(order.snapshot.get("sku", "")),
        target={name: str(value) for name, value in order.target.items()},
        code=secrets.unseal(check.unit, order.no) if check.unit.sealed_secret else None,
    )


def _refuse_code(unit: Unit, order_no: str, *texts: str) -> None:
    if unit.sealed_secret:
        code = secrets.unseal(unit, order_no)
        if any(code in text for text in texts):
            raise CodeInAnswer()


def _answer(
    check: ProviderCheck, given: Answered, now: datetime, *, words: str = "", user: User | None = None
) -> None:
    check.answer, check.credited_at, check.reference, check.answer_hash = given
    check.answered_at, check.next_try_at, check.error = now, None, ""
    check.words, check.written_by = words, user
    check.save()


def _unanswered(check: ProviderCheck, error: str, next_try_at: datetime | None) -> None:
    still_open = ProviderCheck.objects.filter(pk=check.pk, answered_at__isnull=True)
    still_open.update(error=error[:64], next_try_at=next_try_at)
