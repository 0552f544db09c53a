"""A card code and an identity document are seen for a reason, and each view is on record (requirement K3)."""

from typing import Any

import pytest
from django.test import Client

from marketplace.identity.models import AuditEntry, AuditKind, User
from refunds.machine import State
from refunds.models import RefundRequest
from tests.cases import make_request
from tests.contested import arbiter, seat
from tests.desk_people import whole_session
from tests.evidence import evidence_folder, give
from tests.factories import StaffFactory
from tests.people import Cast
from tests.refunds.hostile.parts import png

from .conftest import url_of

__all__ = ["evidence_folder"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("evidence_folder")]
WHY = {"reason": "The provider asks which card it was."}


@pytest.fixture
def case(cast: Cast) -> RefundRequest:
    return make_request(cast, state=State.MANUAL_REVIEW, decided=True)


def views() -> list[Any]:
    rows = AuditEntry.objects.filter(kind__in=(AuditKind.CODE_SHOWN, AuditKind.IDENTITY_OPENED)).order_by(
        "id"
    )
    return list(rows.values_list("kind", "user", "subject", "number", "reason", "ip"))


def code_page(case: RefundRequest) -> str:
    return f"{url_of(case)}code/?unit=1"


def identity_page(case: RefundRequest) -> str:
    return f"{url_of(case)}evidence/1/"


@pytest.mark.parametrize("who", ["reviewer", "supervisor"])
def test_code_is_shown_once_for_a_reason(cast: Cast, case: RefundRequest, who: str) -> None:
    user: User = cast._asdict()[who]
    client, secret = whole_session(user), f"CARD-{case.order.no}-1"
    assert code_page(case) in client.get(url_of(case)).content.decode()
    assert secret not in client.get(code_page(case)).content.decode()
    answer = client.post(code_page(case), WHY)
    assert secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    seen = (AuditKind.CODE_SHOWN, user.pk, f"{case.order.no}/1", case.number, WHY["reason"], "127.0.0.1")
    assert views() == [seen]
    assert secret not in client.get(code_page(case)).content.decode()
    client.post(code_page(case), WHY)
    assert views() == [seen, seen]  # each view is one


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_code_without_a_reason_stays_hidden(cast: Cast, case: RefundRequest, reason: str) -> None:
    answer = whole_session(cast.reviewer).post(code_page(case), {"reason": reason})
    assert answer.status_code == 422
    assert f"CARD-{case.order.no}" not in answer.content.decode()
    assert views() == []


@pytest.mark.parametrize("role", ["support", "arbiter", "finance", "risk", "policy_editor", "auditor", ""])
def test_who_does_not_judge_sees_no_code(cast: Cast, case: RefundRequest, role: str) -> None:
    person = arbiter() if role == "arbiter" else StaffFactory.create(role=role)
    if role == "arbiter":
        case = make_request(cast, state=State.ARBITRATION)
        seat(cast, case, person)
    client = whole_session(person)
    assert client.post(code_page(case), WHY).status_code == 403
    assert code_page(case) not in client.get(url_of(case)).content.decode()
    assert views() == []


def test_unit_that_is_not_there_or_has_no_code_shows_none(cast: Cast, case: RefundRequest) -> None:
    client = whole_session(cast.reviewer)
    assert client.post(f"{url_of(case)}code/?unit=9", WHY).status_code == 302
    case.order.units.update(sealed_secret=None)
    assert client.post(code_page(case), WHY).status_code == 409
    assert code_page(case) not in client.get(url_of(case)).content.decode()
    assert views() == []


def test_code_is_not_shown_where_the_log_cannot_be_written(
    cast: Cast, case: RefundRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    from refunds.operations import show_code as showing

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("no log")

    monkeypatch.setattr(showing, "keep", broken)
    client: Client = whole_session(cast.reviewer)
    client.raise_request_exception = False
    answer = client.post(code_page(case), WHY)
    assert answer.status_code == 500
    assert f"CARD-{case.order.no}" not in answer.content.decode()


def test_identity_document_opens_for_a_reason(cast: Cast, case: RefundRequest) -> None:
    evidence = give(case, cast.support, png(), kind="identity")
    client = whole_session(cast.supervisor)
    assert "<form" in client.get(identity_page(case)).content.decode()
    assert client.post(identity_page(case), {"reason": ""}).status_code == 422
    assert views() == []
    answer: Any = client.post(identity_page(case), WHY)
    assert answer["Content-Type"] == evidence.media_type
    assert "no-store" in answer["Cache-Control"]
    assert "sandbox" in answer["Content-Security-Policy"]
    assert views() == [
        (
            AuditKind.IDENTITY_OPENED,
            cast.supervisor.pk,
            f"{case.number}/1",
            case.number,
            WHY["reason"],
            "127.0.0.1",
        )
    ]


@pytest.mark.parametrize("role", ["reviewer", "support", "finance", "auditor", ""])
def test_identity_document_stays_shut_to_who_verifies_nobody(
    cast: Cast, case: RefundRequest, role: str
) -> None:
    give(case, cast.support, png(), kind="identity")
    client = whole_session(StaffFactory.create(role=role))
    assert client.post(identity_page(case), WHY).status_code in (302, 403)
    assert views() == []


def test_this_way_opens_identity_documents_alone(cast: Cast, case: RefundRequest) -> None:
    give(case, cast.support, png(), kind="other")
    assert whole_session(cast.supervisor).post(identity_page(case), WHY).status_code == 302
    assert views() == []
