"""Evidence on the case page: seen, flagged, and put in for a party (requirements D3 to D5)."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from marketplace.identity.models import AuditEntry, AuditKind, User
from refunds.machine import State
from refunds.models import Evidence, RefundRequest
from refunds.operations.say import say_as_staff
from tests.cases import make_request
from tests.evidence import evidence_folder, give, state_of
from tests.people import Cast
from tests.refunds.hostile.parts import pdf, png

from .conftest import url_of

__all__ = ["evidence_folder"]
pytestmark = pytest.mark.usefixtures("evidence_folder")


@pytest.fixture
def case(cast: Cast) -> RefundRequest:
    return make_request(cast, state=State.MANUAL_REVIEW, decided=True)


def post(client: Client, case: RefundRequest, data: bytes | None = None, **fields: str) -> Any:
    file = SimpleUploadedFile("a.png", png() if data is None else data)
    return client.post(
        f"{url_of(case)}evidence/",
        {"side": "buyer", "kind": "other", "note": "by e-mail", "file": file, **fields},
    )


def test_page_shows_files_whose_thumbnails_and_links_open(
    desk: Client, cast: Cast, case: RefundRequest
) -> None:
    give(case, cast.support, png())
    give(case, cast.support, pdf(), kind="payment_proof")
    page = desk.get(url_of(case)).content.decode()
    links = re.findall(r'(?:href|src)="(/evidence/[^"]+)"', page)
    assert len(links) == 5  # picture: thumbnail, its link, its name; document: its sign, its name
    for link in links:
        assert desk.get(link).status_code == 200


def test_page_shows_what_is_missing_and_what_the_platform_adds(
    desk: Client, cast: Cast, case: RefundRequest
) -> None:
    say_as_staff(number=case.number, user=cast.reviewer, text="hello", now=timezone.now())
    say_as_staff(number=case.number, user=cast.reviewer, text="inside", now=timezone.now(), is_internal=True)
    context = desk.get(url_of(case)).context
    assert not any(satisfied for _kind, satisfied in context["evidence_needed"])
    added = {row.kind: row for row in context["platform_evidence"]}
    assert list(added) == ["order_snapshot", "payment_record", "delivery_record", "chat"]
    assert len(added["chat"].lines) == 1


def test_reuse_is_shown_with_its_way_to_the_other_case(desk: Client, cast: Cast, case: RefundRequest) -> None:
    other = make_request(cast, state=State.MANUAL_REVIEW)
    for each in (case, other):
        give(each, cast.support)
    assert f'href="{url_of(other)}#evidence"' in desk.get(url_of(case)).content.decode()
    assert f'href="{url_of(case)}#evidence"' in desk.get(url_of(other)).content.decode()


def test_identity_document_shows_no_thumbnail_and_no_link_to_who_may_not_see(
    desk: Client, cast: Cast, case: RefundRequest, signed_in: Callable[[User], Client]
) -> None:
    give(case, cast.support, kind="identity")
    assert "/evidence/" not in re.sub(
        r'action="[^"]*"|href="/admin[^"]*"', "", desk.get(url_of(case)).content.decode()
    )
    page = signed_in(cast.supervisor).get(url_of(case)).content.decode()
    assert "/evidence/" not in re.sub(r'action="[^"]*"|href="/admin[^"]*"', "", page)
    assert f'href="{url_of(case)}evidence/1/"' in page  # where they say why
    # To look at the case is not to look at the document.
    assert not AuditEntry.objects.filter(kind=AuditKind.IDENTITY_OPENED).exists()


def test_file_of_a_party_is_put_in_for_it(desk: Client, cast: Cast, case: RefundRequest) -> None:
    assert desk.get(f"{url_of(case)}evidence/").status_code == 200
    response = post(desk, case, side="seller")
    assert (response.status_code, response["Location"]) == (302, f"{url_of(case)}#evidence")
    evidence = Evidence.objects.get()
    assert (evidence.by, evidence.user, evidence.note) == ("seller", cast.reviewer, "by e-mail")


def test_refused_file_keeps_what_was_typed_and_changes_nothing(
    desk: Client, cast: Cast, case: RefundRequest
) -> None:
    before = state_of(case)
    response = post(desk, case, b"no picture")
    assert response.status_code == 422
    assert "by e-mail" in response.content.decode()
    assert response.context["form"].non_field_errors()
    assert desk.post(f"{url_of(case)}evidence/", {"kind": "other"}).status_code == 422
    assert state_of(case) == before


def test_staff_without_a_part_in_cases_cannot_put_anything_in(
    cast: Cast, case: RefundRequest, signed_in: Callable[[User], Client]
) -> None:
    before = state_of(case)
    assert post(signed_in(cast.auditor), case).status_code == 403
    assert post(signed_in(cast.finance), case).status_code == 403
    assert post(Client(), case).status_code == 302  # to the sign-in
    assert post(signed_in(cast.seller_user), case).status_code == 302
    assert state_of(case) == before


def test_case_that_never_was(desk: Client, cast: Cast) -> None:
    assert desk.get("/admin/refunds/refundrequest/case/RF0/evidence/").status_code == 302


def test_file_beyond_every_limit_is_told_as_such(desk: Client, case: RefundRequest, settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 1000
    response = post(desk, case, png() + bytes(200_000))
    assert response.status_code == 413
    assert response["Content-Type"].startswith("text/html")
