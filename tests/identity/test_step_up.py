"""A fresh proof for moves that weigh (requirement K3): asked for in the form itself, so that nothing typed is lost."""

from typing import Any

import pytest
from axes.models import AccessAttempt
from django.test import Client

from marketplace.identity.models import AuditEntry, AuditKind, Buyer, User
from marketplace.identity.operations import prove as proving
from marketplace.payments.models import Payout
from refunds.admin import buyers, transfer_moves, withdrawals
from tests.desk.test_payouts import ACCOUNT, PAYEE, make_failed, make_proposed, page_of, page_of_buyer
from tests.desk_people import PASSWORD, code, enrol, make_stale, whole_session, with_password
from tests.people import Cast

pytestmark = pytest.mark.django_db


def proposal(**more: str) -> dict[str, str]:
    return {"move": "propose", **PAYEE, **more}


@pytest.fixture
def stale(cast: Cast) -> Client:
    """Finance with a second factor, whose last proof was eleven minutes ago."""
    enrol(cast.finance)
    client = whole_session(cast.finance)
    make_stale(cast.finance)
    return client


def test_moves_that_weigh_are_marked() -> None:
    marked = {
        name for table in (transfer_moves.MOVES, withdrawals.MOVES) for name, move in table.items() if move.needs_step_up
    }  # fmt: skip
    assert marked == {"propose", "confirm", "reject", "pay"}
    assert buyers.VERIFY.needs_step_up


def test_payout_without_a_fresh_proof_keeps_what_was_typed_and_proposes_nothing(
    cast: Cast, stale: Client
) -> None:
    transfer = make_failed(cast)
    for proof in ({}, {"proof": "000000"}):
        answer = stale.post(page_of(transfer), proposal(**proof))
        assert answer.status_code == 422
        page = answer.content.decode()
        assert ACCOUNT in page
        assert 'name="proof"' in page
    assert not Payout.objects.exists()


def test_payout_is_proposed_with_the_proof_beside_it(cast: Cast, stale: Client) -> None:
    transfer = make_failed(cast)
    assert 'name="proof"' in stale.get(page_of(transfer)).content.decode()
    answer = stale.post(page_of(transfer), proposal(proof=code(cast.finance)))
    assert answer.status_code == 302
    assert Payout.objects.get().proposed_by == cast.finance
    entry = AuditEntry.objects.get(kind=AuditKind.PROVED)
    assert (entry.user, entry.subject) == (cast.finance, "code")
    assert 'name="proof"' not in stale.get(page_of(transfer)).content.decode()  # good for ten minutes


def test_proof_stands_where_the_operation_refuses(cast: Cast, stale: Client) -> None:
    transfer = make_failed(cast)
    refused = stale.post(page_of(transfer), proposal(note=" ", proof=code(cast.finance)))
    assert refused.status_code == 422
    assert 'name="proof"' not in refused.content.decode()
    assert stale.post(page_of(transfer), proposal()).status_code == 302


def test_password_is_the_proof_of_who_has_no_second_factor(cast: Cast) -> None:
    client = whole_session(with_password(cast.finance))
    make_stale(cast.finance)
    transfer = make_failed(cast)
    assert 'type="password"' in client.get(page_of(transfer)).content.decode()
    assert client.post(page_of(transfer), proposal(proof="guessed")).status_code == 422
    assert not Payout.objects.exists()
    assert client.post(page_of(transfer), proposal(proof=PASSWORD)).status_code == 302


def test_password_is_no_proof_of_who_has_a_second_factor(cast: Cast) -> None:
    enrol(with_password(cast.finance))
    client = whole_session(cast.finance)
    make_stale(cast.finance)
    assert client.post(page_of(make_failed(cast)), proposal(proof=PASSWORD)).status_code == 422
    assert not Payout.objects.exists()


def test_wrong_proofs_lock_and_leave_no_account_number_behind(cast: Cast, stale: Client) -> None:
    """axes keeps the whole POST of a failed try; here it is given the envelope alone."""
    transfer = make_failed(cast)
    for _try in range(proving.MOST_WRONG):
        stale.post(page_of(transfer), proposal(proof="000000"))
    assert stale.post(page_of(transfer), proposal(proof=code(cast.finance))).status_code == 422
    assert not Payout.objects.exists()
    attempt = AccessAttempt.objects.get()
    assert attempt.failures_since_start == proving.MOST_WRONG
    assert attempt.username == cast.finance.username
    assert not set(attempt.post_data) - set("-\n")  # what axes puts between tries


@pytest.mark.parametrize("move", ["confirm", "reject"])
def test_deciding_a_payout_asks_anew(cast: Cast, move: str) -> None:
    payout = make_proposed(cast)
    enrol(cast.supervisor)
    client = whole_session(cast.supervisor)
    make_stale(cast.supervisor)
    body = {"move": move, "payout": payout.pk, "bank_reference": "BANK-1"}
    assert client.post(page_of(payout.transfer), body).status_code == 422
    payout.refresh_from_db()
    assert payout.decided_by is None
    assert client.post(page_of(payout.transfer), {**body, "proof": code(cast.supervisor)}).status_code == 302


def test_marking_an_identity_asks_anew(cast: Cast) -> None:
    enrol(cast.supervisor)
    client = whole_session(cast.supervisor)
    make_stale(cast.supervisor)
    body = {"move": "verify", "note": "Passport, seen by video."}
    assert client.post(page_of_buyer(cast.buyer), body).status_code == 422
    assert Buyer.objects.get(pk=cast.buyer.pk).identity_verified_at is None
    done = client.post(page_of_buyer(cast.buyer), {**body, "proof": code(cast.supervisor)})
    assert done.status_code == 302


def test_ending_anothers_sessions_asks_anew(cast: Cast) -> None:
    with_password(cast.supervisor)
    other = whole_session(cast.reviewer)
    client = whole_session(cast.supervisor)
    make_stale(cast.supervisor)
    url = f"/admin/identity/user/{cast.reviewer.pk}/change/"
    body: dict[str, Any] = {"move": "end_sessions", "reason": "Laptop stolen."}
    assert client.post(url, body).status_code == 422
    assert other.get("/admin/").status_code == 200
    assert client.post(url, {**body, "proof": PASSWORD}).status_code == 302
    assert other.get("/admin/").status_code == 302
    assert User.objects.get(pk=cast.reviewer.pk).is_active
