"""A seller sees the evidence of their cases, and adds their own (requirements D3, F2)."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from refunds.machine import State
from refunds.models import Evidence, RefundRequest
from tests.cases import make_request
from tests.evidence import evidence_folder, give, state_of
from tests.people import Cast
from tests.refunds.hostile.parts import png

from .tools import url

__all__ = ["evidence_folder"]
pytestmark = pytest.mark.usefixtures("evidence_folder")


@pytest.fixture
def case(cast: Cast) -> RefundRequest:
    return make_request(cast, state=State.AWAITING_SELLER)


def browser(user: Any) -> Client:
    client = Client()
    client.force_login(user, backend="marketplace.identity.backends.RoleBackend")
    return client


def post(client: Client, case: RefundRequest, data: bytes | None = None, **fields: str) -> Any:
    file = SimpleUploadedFile("a.png", png() if data is None else data)
    return client.post(url(case, "evidence"), {"kind": "other", "note": "our log", "file": file, **fields})


def test_seller_adds_a_file_and_sees_it(cast: Cast, case: RefundRequest) -> None:
    seller = browser(cast.seller_user)
    assert seller.get(url(case, "evidence")).status_code == 200
    response = post(seller, case)
    assert (response.status_code, response["Location"]) == (302, url(case))
    evidence = Evidence.objects.get()
    assert (evidence.by, evidence.user, evidence.note) == ("seller", cast.seller_user, "our log")
    page = seller.get(url(case)).content.decode()
    links = re.findall(r'(?:href|src)="(/evidence/[^"]+)"', page)
    assert len(links) == 3
    for link in links:
        assert seller.get(link).status_code == 200


def test_seller_sees_the_buyers_files_but_no_identity_document(cast: Cast, case: RefundRequest) -> None:
    give(case, cast.support, kind="error_screen")
    give(case, cast.support, kind="identity")
    context = browser(cast.seller_user).get(url(case)).context
    assert [shown.evidence.kind for shown in context["evidence"]] == ["error_screen"]
    assert [added.kind for added in context["platform_evidence"]] == [
        "order_snapshot",
        "payment_record",
        "delivery_record",
    ]


def test_refused_file_keeps_what_was_typed_and_changes_nothing(cast: Cast, case: RefundRequest) -> None:
    seller, before = browser(cast.seller_user), state_of(case)
    response = post(seller, case, b"<html>")
    assert response.status_code == 422
    assert "our log" in response.content.decode()
    assert response.context["refusal"]
    assert post(seller, case, kind="identity").status_code == 422
    assert seller.post(url(case, "evidence"), {"kind": "other"}).status_code == 422
    assert state_of(case) == before


def test_nobody_else_adds_to_the_case(cast: Cast, case: RefundRequest) -> None:
    before = state_of(case)
    assert post(browser(cast.other_seller_user), case).status_code == 404
    assert post(Client(), case).status_code == 302
    assert post(browser(cast.reviewer), case).status_code == 403
    assert state_of(case) == before


def test_form_without_its_token_is_refused(cast: Cast, case: RefundRequest) -> None:
    before = state_of(case)
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.seller_user, backend="marketplace.identity.backends.RoleBackend")
    assert post(client, case).status_code == 403
    assert state_of(case) == before


def test_file_beyond_every_limit_is_told_as_such(cast: Cast, case: RefundRequest, settings: Any) -> None:
    before = state_of(case)
    client = Client(enforce_csrf_checks=True)  # the token is read from the same form
    client.force_login(cast.seller_user, backend="marketplace.identity.backends.RoleBackend")
    settings.UPLOAD_MAX_BYTES = 10_000_000
    client.get(url(case, "evidence"))
    token = client.cookies["csrftoken"].value
    assert post(client, case, b"no picture", csrfmiddlewaretoken=token).status_code == 422
    settings.UPLOAD_MAX_BYTES = 1000
    response = post(client, case, png() + bytes(200_000), csrfmiddlewaretoken=token)
    assert response.status_code == 413
    assert response["Content-Type"].startswith("text/html")
    assert state_of(case) == before


def test_closed_case_says_so_instead_of_a_form(cast: Cast) -> None:
    case = make_request(cast, state=State.WITHDRAWN)
    page = browser(cast.seller_user).get(url(case, "evidence"))
    assert page.status_code == 200
    assert '<form method="post" enctype' not in page.content.decode()
    assert post(browser(cast.seller_user), case).status_code == 409
