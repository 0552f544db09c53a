"""A seller takes the file of an own case, and of no other (requirement D6)."""

import io
import zipfile
from typing import Any

import pytest
from django.test import Client

from refunds.models import CaseFileMade
from tests.evidence import evidence_folder
from tests.people import Cast

from .tools import Asked, url

__all__ = ["evidence_folder"]
pytestmark = pytest.mark.usefixtures("evidence_folder")

WANTED = {"purpose": "12315", "language": "zh-hans", "form": "zip"}


def test_seller_takes_the_file(seller: Client, cast: Cast, asked: Asked) -> None:
    case = asked()
    assert f'href="{url(case, "file")}"' in seller.get(url(case)).content.decode()
    assert seller.get(url(case, "file")).status_code == 200
    answer = seller.post(url(case, "file"), WANTED)
    content = b"".join(answer.streaming_content)
    assert "case.pdf" in zipfile.ZipFile(io.BytesIO(content)).namelist()
    made = CaseFileMade.objects.get()
    assert (made.by, made.user, made.purpose) == ("seller", cast.seller_user, "12315")


def test_another_sellers_case_is_not_there(client: Client, cast: Cast, asked: Asked) -> None:
    case = asked()
    client.force_login(cast.other_seller_user)
    assert client.get(url(case, "file")).status_code == 404
    assert client.post(url(case, "file"), WANTED).status_code == 404
    assert not CaseFileMade.objects.exists()


def test_refusal_stands_beside_the_form(seller: Client, asked: Asked, settings: Any) -> None:
    settings.CASE_FILES_AN_HOUR = 0
    refused = seller.post(url(asked(), "file"), WANTED)
    assert refused.status_code == 429
    assert "within the hour" in refused.content.decode()
    assert not CaseFileMade.objects.exists()
