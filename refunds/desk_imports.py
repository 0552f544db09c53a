"""Files brought in at the desk (requirement K5): looked through, confirmed, taken in row by row by the worker.

Each row goes in by its own operation, which knows it again: a worker that is killed begins anew, and nothing goes in
twice. The command does the same for files too large for a browser.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from marketplace.identity.models import User
from marketplace.intake.importers.files import CannotRead
from marketplace.kernel.errors import NotFound, Refusal
from marketplace.kernel.outbox import enqueue

from .importing import Summary, import_file
from .importing_days import import_days
from .models import FileImport, ImportKind
from .permissions import require_deed

DEED = "import_files"
BYTES_AT_MOST = 2 * 1024 * 1024
QUIET = timedelta(minutes=1)  # a worker that has said nothing for so long is gone
LOST = timedelta(seconds=10)  # and one that has not begun by then has lost its message
BEAT = 0.5  # seconds between two words of the worker

READERS: dict[str, Callable[..., Summary]] = {ImportKind.REQUESTS: import_file, ImportKind.DAYS: import_days}


class FileEmpty(Refusal):
    code = "file_empty"
    status = 422
    title = _("The file is empty. Export it again with its header row.")


class ImportTooLarge(Refusal):
    code = "import_too_large"
    status = 422
    title = _("The file is larger than 2 MB. Split it, or have it taken in by manage.py import_requests.")


class NothingToImport(Refusal):
    code = "nothing_to_import"
    title = _("No row of the file can go in. Correct it and upload it again.")


def upload(*, user: User, kind: str, name: str, body: bytes, language: str, now: datetime) -> FileImport:
    """Keep the file and have it looked through. Raises NotPermitted, FileEmpty, ImportTooLarge."""
    require_deed(user, DEED)
    if not body:
        raise FileEmpty()
    if len(body) > BYTES_AT_MOST:
        raise ImportTooLarge(at_most=BYTES_AT_MOST)
    with transaction.atomic(durable=True):
        row = FileImport.objects.create(
            by=user, kind=kind, name=name[:255], body=body, size=len(body), language=language, uploaded_at=now
        )
        enqueue("refunds.work_import", row.pk)
        return row


def confirm(*, user: User, import_id: int, now: datetime) -> FileImport:
    """Take the good rows in; a second call does nothing. Raises NotPermitted, NotFound, NothingToImport."""
    require_deed(user, DEED)
    with transaction.atomic(durable=True):
        row = FileImport.objects.select_for_update().filter(pk=import_id, by=user).first()
        if row is None:
            raise NotFound()
        if row.confirmed_at is not None:
            return row
        if row.checked_at is None or row.fault or not row.good:
            raise NothingToImport()
        row.confirmed_at, row.position = now, 0
        row.save(update_fields=["confirmed_at", "position"])
        enqueue("refunds.work_import", row.pk)
        return row


def work(import_id: int, now: datetime) -> None:
    """Look the file through, or take it in where that is confirmed. One worker at a time; one more does nothing."""
    if not _waiting().filter(pk=import_id, touched_at__isnull=True).update(touched_at=Now()):
        return
    row = FileImport.objects.select_related("by").get(pk=import_id)
    summary, bad_rows, fault = _read(row, now)
    over = FileImport.objects.filter(pk=row.pk)
    if row.confirmed_at is None:
        over.update(
            checked_at=now, touched_at=None, good=summary.filed, known=summary.known, bad=summary.bad,
            fault=fault, bad_rows=bad_rows,
        )  # fmt: skip
    else:
        over.update(
            finished_at=now, touched_at=None, good=summary.filed, known=summary.known, bad=summary.bad,
            bad_rows=bad_rows, body=b"",
        )  # fmt: skip


def sweep(now: datetime) -> None:
    """Begin again what a worker left, and what none began."""
    rows = _waiting()
    rows.filter(touched_at__lt=now - QUIET).update(touched_at=None)
    lost = Q(uploaded_at__lt=now - LOST) & (Q(confirmed_at__isnull=True) | Q(confirmed_at__lt=now - LOST))
    for import_id in rows.filter(lost, touched_at__isnull=True).order_by("id").values_list("pk", flat=True):
        work(import_id, now)


def _waiting() -> "QuerySet[FileImport]":
    return FileImport.objects.filter(
        Q(checked_at__isnull=True) | Q(confirmed_at__isnull=False, finished_at__isnull=True)
    )


def _read(row: FileImport, now: datetime) -> tuple[Summary, str, str]:
    """What became of the rows, the bad ones as CSV, and why the file as a whole cannot be read."""
    with TemporaryDirectory() as folder, override(row.language):
        path = Path(folder) / "file"
        path.write_bytes(row.body)
        try:
            dry_run = row.confirmed_at is None
            summary = READERS[row.kind](
                path, user=row.by, dry_run=dry_run, now=now, progress=_progress(row.pk)
            )
        except (CannotRead, Refusal) as error:
            return Summary(), "", str(error)
        bad = path.with_name("file.bad.csv")
        return summary, bad.read_text() if bad.exists() else "", ""


def _progress(import_id: int) -> Callable[[int, int], None]:
    said = [0.0]

    def say(position: int, size: int) -> None:
        if time.monotonic() - said[0] >= BEAT or position == size:
            said[0] = time.monotonic()
            FileImport.objects.filter(pk=import_id).update(position=position, touched_at=Now())

    return say
