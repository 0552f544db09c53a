"""The case file at the desk: chosen, made, sent, and on record (requirement D6)."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from marketplace.identity.models import User
from refunds.models import CaseFileMade, RefundRequest
from tests.cases import make_request
from tests.evidence import evidence_folder
from tests.people import Cast

from .conftest import staff, url_of

__all__ = ["evidence_folder"]
pytestmark = pytest.mark.usefixtures("evidence_folder")


@pytest.fixture
def case(cast: Cast) -> RefundRequest:
    return make_request(cast, state="manual_review", decided=True)


def post(client: Client, case: RefundRequest, **fields: str) -> Any:
    return client.post(
        f"{url_of(case)}file/", {"purpose": "court", "language": "en", "form": "zip", **fields}
    )


def test_case_page_leads_to_the_file_and_the_file_is_sent(
    desk: Client, cast: Cast, case: RefundRequest
) -> None:
    assert f'href="{url_of(case)}file/"' in desk.get(url_of(case)).content.decode()
    page = desk.get(f"{url_of(case)}file/").content.decode()
    assert page.count('type="radio"') == 5
    assert (
        page.count("desk-doubt") == 2
    )  # police and court take up larger claims; it can be made all the same
    answer = post(desk, case)
    content = b"".join(answer.streaming_content)
    assert answer["Content-Disposition"] == f'attachment; filename="{case.number}-court.zip"'
    assert "case.pdf" in zipfile.ZipFile(io.BytesIO(content)).namelist()
    made = CaseFileMade.objects.get()
    assert (made.by, made.user, made.is_internal) == ("staff", cast.reviewer, False)
    assert made.manifest_sha256 in desk.get(f"{url_of(case)}file/").content.decode()


def test_notes_go_into_a_file_for_arbitration_alone(desk: Client, case: RefundRequest) -> None:
    post(desk, case, with_notes="on")
    post(desk, case, with_notes="on", purpose="arbitration")
    assert list(CaseFileMade.objects.order_by("id").values_list("is_internal", flat=True)) == [False, True]


def test_what_cannot_be_made_is_said_on_the_page(desk: Client, case: RefundRequest, settings: Any) -> None:
    assert post(desk, case, purpose="press").status_code == 422
    settings.CASE_FILES_AN_HOUR = 0
    refused = post(desk, case)
    assert (refused.status_code, refused["Content-Type"]) == (429, "text/html; charset=utf-8")
    assert not CaseFileMade.objects.exists()


def test_roles_that_read_no_cases_make_no_file(
    case: RefundRequest, signed_in: Callable[[User], Client]
) -> None:
    assert post(signed_in(staff("policy_editor")), case).status_code == 403
    assert not CaseFileMade.objects.exists()
