"""Evidence for tests: a form with a file sent as a browser sends it, and what a refused one must leave alone."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.kernel.models import IdempotencyKey
from refunds.evidence import storage
from refunds.models import CaseFileMade, Evidence, PendingFile, RefundRequest
from refunds.operations import give_evidence
from refunds.operations.take_file import Upload

from .people import Cast
from .refunds.hostile.parts import png

BOUNDARY = "----part"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


@pytest.fixture
def evidence_folder(settings: Any, tmp_path: Path) -> Path:
    """A storage of this test's own."""
    folder = tmp_path / "evidence"
    backend = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": folder}}
    settings.STORAGES = {**settings.STORAGES, "evidence": backend}
    return folder


def path_of(request: RefundRequest) -> str:
    return f"/api/v1/refund-requests/{request.number}/evidence/"


def form(*parts: tuple[str, bytes | str, str | None]) -> bytes:
    """Parts are (field, content, file name or None), put together by hand so that a name may be anything."""
    body = b""
    for field, content, name in parts:
        head = f'form-data; name="{field}"'
        if name is not None:
            escaped = name.replace("\\", "\\\\").replace('"', '\\"')
            head += f'; filename="{escaped}"\r\nContent-Type: application/octet-stream'
        data = content if isinstance(content, bytes) else content.encode()
        body += f"--{BOUNDARY}\r\nContent-Disposition: {head}\r\n\r\n".encode() + data + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


def send(
    client: Any,
    request: RefundRequest,
    data: bytes | None = None,
    *,
    name: str = "screen.png",
    kind: str = "error_screen",
    note: str = "",
    **extra: Any,
) -> Any:
    """As the buyer's front end does."""
    body = form(("kind", kind, None), ("note", note, None), ("file", png() if data is None else data, name))
    return client.post(path_of(request), body, content_type=FORM, **extra)


def give(
    request: RefundRequest,
    user: User,
    data: bytes | None = None,
    *,
    side: str = "buyer",
    kind: str = "error_screen",
    now: datetime | None = None,
) -> Evidence:
    """Put in by staff for a side, without the API."""
    return give_evidence.give_as_staff(
        number=request.number,
        user=user,
        kind=kind,
        upload=upload(data),
        note="",
        now=now or timezone.now(),
        side=side,
    )


def leave_files(cast: Cast, request: RefundRequest) -> Evidence:
    """The rows of a document that was looked at, without the document, and of a case file that was made."""
    now = timezone.now()
    evidence = Evidence.objects.create(
        request=request,
        position=1,
        kind="identity",
        by="buyer",
        name="a.pdf",
        media_type="application/pdf",
        size=1,
        pages=1,
        original_sha256=bytes(32),
        sha256=bytes(32),
        key="a.pdf",
        at=now,
    )
    CaseFileMade.objects.create(
        request=request, purpose="court", language="en", form="zip", by="buyer", at=now,
        manifest_sha256="0" * 64, pdf_sha256="0" * 64,
    )  # fmt: skip
    return evidence


def upload(data: bytes | None = None, name: str = "a.png") -> Upload:
    return Upload.of(SimpleUploadedFile(name, png() if data is None else data))


def state_of(request: RefundRequest) -> tuple[Any, ...]:
    """What a refused file must leave as it was, the storage and the keys included."""
    row = RefundRequest.objects.get(pk=request.pk)
    return (
        row.state,
        row.sequence,
        row.due_at,
        row.transitions.count(),
        row.messages.count(),
        row.evidence.count(),
        IdempotencyKey.objects.count(),
        PendingFile.objects.count(),
        len(stored_files()),
    )


def stored_files() -> list[Path]:
    root = Path(storage.files().location)  # of the storage on disk
    return [path for path in root.rglob("*") if path.is_file()]


def problem_of(response: Any) -> tuple[int, str]:
    return response.status_code, json.loads(response.content).get("code", "")
