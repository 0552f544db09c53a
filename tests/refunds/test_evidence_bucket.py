"""The same evidence in a bucket: a real S3 protocol, spoken to a server of our own on 127.0.0.1."""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import boto3
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from moto.server import ThreadedMotoServer

from refunds.evidence import links, storage
from refunds.evidence.links import Viewer
from refunds.models import Evidence, PendingFile
from refunds.operations.take_file import sweep_pending_files, taken
from tests.cases import make_request
from tests.evidence import give, send, upload
from tests.people import Api, Cast

_numbers = itertools.count(1)
KEYS = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "us-east-1"}


class Bucket(NamedTuple):
    client: Any
    name: str

    def names(self) -> set[str]:
        return {row["Key"] for row in self.client.list_objects_v2(Bucket=self.name).get("Contents", [])}


@pytest.fixture
def bucket(settings: Any) -> Iterator[Bucket]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = boto3.client("s3", endpoint_url=url, **KEYS)
    name = f"evidence-{next(_numbers)}"
    client.create_bucket(Bucket=name)
    options: dict[str, Any] = {"bucket_name": name, "endpoint_url": url, "region_name": "us-east-1"}
    options |= {"access_key": "k", "secret_key": "s", "default_acl": None, "file_overwrite": False}
    backend = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "evidence": backend}
    yield Bucket(client, name)
    server.stop()


def test_file_goes_to_the_bucket_and_comes_back(api: Api, cast: Cast, bucket: Bucket) -> None:
    case = make_request(cast, state="manual_review")
    assert send(api.sign_in(cast.buyer), case).status_code == 201
    evidence = Evidence.objects.get()
    assert bucket.names() == {evidence.key, storage.small_key(evidence.key)}
    url = links.link(evidence.pk, Viewer(links.BUYER, cast.buyer.pk), timezone.now())
    response = Client().get(url)
    assert response["Content-Type"] == "image/png"
    assert len(b"".join(response.streaming_content)) == evidence.size


def test_refused_and_forgotten_files_leave_the_bucket(cast: Cast, bucket: Bucket) -> None:
    case = make_request(cast, state="manual_review")
    with pytest.raises(ZeroDivisionError), taken(upload(), timezone.now()):
        raise ZeroDivisionError
    assert bucket.names() == set()
    now = timezone.now()
    storage.files().save("2026/11/left.png", SimpleUploadedFile("x", b"x"))
    PendingFile.objects.create(key="2026/11/left.png", at=now - timedelta(hours=2))
    assert sweep_pending_files(now) == 1
    assert bucket.names() == set()
    give(case, cast.support)
    assert len(bucket.names()) == 2


def test_file_missing_from_the_bucket_is_not_found(cast: Cast, bucket: Bucket) -> None:
    evidence = give(make_request(cast, state="manual_review"), cast.support)
    storage.discard(evidence.key)
    url = links.link(evidence.pk, Viewer(links.BUYER, cast.buyer.pk), timezone.now())
    assert Client().get(url).status_code == 404


def test_bucket_out_of_reach_loses_neither_file_nor_case(
    api: Api, cast: Cast, bucket: Bucket, settings: Any
) -> None:
    case = make_request(cast, state="awaiting_evidence")
    broken = {**settings.STORAGES["evidence"]["OPTIONS"], "endpoint_url": "http://127.0.0.1:1"}
    settings.STORAGES = {
        **settings.STORAGES,
        "evidence": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": broken},
    }
    response = send(api.sign_in(cast.buyer), case)
    assert (response.status_code, response.json()["code"]) == (503, "storage_unavailable")
    case.refresh_from_db()
    assert case.state == "awaiting_evidence"
    assert PendingFile.objects.count() == 1  # the sweep tries again
