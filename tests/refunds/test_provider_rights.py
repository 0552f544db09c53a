"""Who may ask the provider and write its answer down, what is refused, and what the database holds by itself."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from marketplace.identity.roles import Role
from marketplace.kernel.errors import NotFound, NotPermitted
from refunds.models import PanelMember, ProviderCheck, RefundRequest
from refunds.operations import provider_check
from refunds.operations.file import UnknownUnit
from refunds.permissions import DEEDS
from tests.cases import make_request
from tests.channels.provider import LocalProvider
from tests.factories import StaffFactory
from tests.judged import letter
from tests.people import Cast
from tests.refunds.test_provider_check import ask, call, case, code_of, provider, read

__all__ = ["case", "provider"]  # fixtures

NO_KEYS = {"name": "", "url": "", "key_id": "", "secret": "", "timeout": 1.0}


# --- Who may, and what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize("deed", ["ask_provider", "write_answer"])
@pytest.mark.parametrize("role", Role.values)
def test_roles_that_may_ask_and_write(
    deed: str, role: str, provider: LocalProvider, case: RefundRequest, cast: Cast
) -> None:
    user = StaffFactory.create(role=role)
    if role == Role.ARBITER:  # who reaches no case but those they sit over
        PanelMember.objects.create(
            request=case, arbiter=user, seat=1, appointed_by=cast.supervisor, appointed_at=timezone.now()
        )
    run: Any = (
        (lambda: provider_check.ask(number=case.number, user=user, unit="1", now=timezone.now()))
        if deed == "ask_provider"
        else (lambda: letter(case, user))
    )
    assert role in DEEDS[deed] or role not in ("support", "reviewer", "supervisor", "arbiter")
    if role in DEEDS[deed]:
        assert run().request == case
    else:
        with pytest.raises(NotPermitted):
            run()
        assert not ProviderCheck.objects.exists()


@pytest.mark.parametrize("deed", ["ask_provider", "write_answer"])
def test_the_table_of_deeds_is_what_decides(
    deed: str, provider: LocalProvider, case: RefundRequest, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DEEDS, deed, frozenset())
    with pytest.raises(NotPermitted):
        ask(case, cast) if deed == "ask_provider" else letter(case, cast.reviewer)
    assert not ProviderCheck.objects.exists()


def test_one_question_at_a_time_for_a_unit(provider: LocalProvider, case: RefundRequest, cast: Cast) -> None:
    check = ask(case, cast)
    with pytest.raises(provider_check.AlreadyAsked):
        ask(case, cast)
    with pytest.raises(IntegrityError, match="provider_asked_once"), transaction.atomic():
        ProviderCheck.objects.create(
            number="PC2", request=case, unit=check.unit, provider="x", asked_by=cast.reviewer,
            asked_at=timezone.now(),
        )  # fmt: skip
    call(check)
    assert ask(case, cast).pk != check.pk


def test_only_the_cases_own_units_are_asked_about(
    provider: LocalProvider, case: RefundRequest, cast: Cast
) -> None:
    other = make_request(cast, state="manual_review", quantity=2)
    assert other.items.count() == 2
    with pytest.raises(UnknownUnit):
        provider_check.ask(number=case.number, user=cast.reviewer, unit="2", now=timezone.now())
    with pytest.raises(NotFound):
        provider_check.ask(number="RF0", user=cast.reviewer, unit="1", now=timezone.now())


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"answer": "perhaps"}, provider_check.AnswerIncomplete),
        ({"provider": "  "}, provider_check.AnswerIncomplete),
        ({"words": ""}, provider_check.AnswerIncomplete),
        ({"words": "x" * 4001}, provider_check.AnswerIncomplete),
        (
            {"answer": "unknown", "credited_at": timezone.now() - timedelta(days=1)},
            provider_check.CreditedWhen,
        ),
        (
            {"answer": "credited", "credited_at": timezone.now() + timedelta(days=1)},
            provider_check.CreditedWhen,
        ),
        ({"unit": "9"}, UnknownUnit),
    ],
)
def test_letter_that_says_too_little_is_refused(
    answer: dict[str, Any], error: type[Exception], case: RefundRequest, cast: Cast
) -> None:
    with pytest.raises(error):
        letter(case, cast.reviewer, **answer)
    assert not ProviderCheck.objects.exists()


@pytest.mark.parametrize("field", ["words", "reference", "provider"])
def test_letter_that_quotes_the_code_is_refused(field: str, case: RefundRequest, cast: Cast) -> None:
    with pytest.raises(provider_check.CodeInAnswer):
        letter(case, cast.reviewer, **{field: f"See {code_of(case)}."})
    assert not ProviderCheck.objects.exists()


def test_letter_is_question_and_answer_in_one(case: RefundRequest, cast: Cast) -> None:
    at = timezone.now() - timedelta(days=1)
    check = read(letter(case, cast.support, answer="credited", credited_at=at, reference="L-7"))
    assert (check.answer, check.credited_at, check.reference) == ("credited", at, "L-7")
    assert (check.asked_by, check.written_by, check.asked_at == check.answered_at) == (
        cast.support, cast.support, True,
    )  # fmt: skip
    assert check.answer_hash == hashlib.sha256(b"We have no credit under this card.").hexdigest()


# --- What the database holds by itself -----------------------------------------------------------------------


@pytest.mark.parametrize("column", ["provider = 'x'", "asked_at = now()", "number = 'x'"])
def test_question_never_changes(
    column: str, provider: LocalProvider, case: RefundRequest, cast: Cast
) -> None:
    ask(case, cast)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(DatabaseError, match="history"), transaction.atomic():
            cursor.execute(f"UPDATE refunds_providercheck SET {column}")


@pytest.mark.parametrize(
    "column",
    ["answer = 'credited'", "credited_at = now()", "words = 'x'", "answered_at = NULL", "error = 'x'"],
)
def test_answer_never_changes(column: str, case: RefundRequest, cast: Cast) -> None:
    letter(case, cast.reviewer)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(DatabaseError, match="history"), transaction.atomic():
            cursor.execute(f"UPDATE refunds_providercheck SET {column}")
