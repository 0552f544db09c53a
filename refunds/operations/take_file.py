"""A file from its sender's hands into the storage: sniffed, scanned, written anew. No transaction is open."""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from ..evidence import confine, names, scan, sniff, storage
from ..evidence.cleaned import Cleaned, Limits
from ..evidence.faults import Fault, Unacceptable
from ..models import PendingFile
from .refused_files import FileInfected, ScanUnavailable, StorageUnavailable, refusal_of

FORGOTTEN_AFTER = timedelta(hours=1)  # no upload takes as long
FEW = 200
log = logging.getLogger(__name__)


class Upload(NamedTuple):
    """A file as it was sent."""

    file: UploadedFile[Any]
    sha256: bytes

    @classmethod
    def of(cls, file: UploadedFile[Any]) -> Upload:
        digest = hashlib.sha256()
        for chunk in file.chunks():
            digest.update(chunk)
        return cls(file, digest.digest())


class Taken(NamedTuple):
    """A file as it is kept, under a key that waits for its case."""

    key: str
    name: str
    media_type: str
    size: int
    sha256: bytes
    found: Cleaned


@contextmanager
def taken(upload: Upload, now: datetime) -> Iterator[Taken]:
    """The file, cleaned and stored, while its case is written; removed again where the case did not take it.

    Raises FileRefused in one of its kinds, FileTooLarge.
    """
    with tempfile.TemporaryDirectory(prefix="evidence-") as folder:
        source, target, small = (Path(folder, name) for name in ("source", "target", "small"))
        try:
            kind = _sniff(upload.file)
            _write(upload.file, source)
            _scan(source)
            found = confine.clean(source, target, small, kind, _limits())
        except Unacceptable as unacceptable:
            raise refusal_of(unacceptable) from unacceptable
        extension = sniff.EXTENSIONS[kind]
        file = Taken(
            key=storage.new_key(extension, now),
            name=names.clean_name(upload.file.name or "", extension),
            media_type=kind,
            size=target.stat().st_size,
            sha256=_sha256(target),
            found=found,
        )
        PendingFile.objects.create(key=file.key, at=now)
        try:
            _store(file.key, target, small)
            yield file
        finally:
            _forget(file.key, now)


def _store(key: str, target: Path, small: Path) -> None:
    try:
        storage.keep(key, target)
        if small.exists():
            storage.keep(storage.small_key(key), small)
    except Exception as error:  # a disk raises OSError, each kind of bucket its own
        log.exception("could not store %s", key)
        raise StorageUnavailable(pointer="/file") from error


def sweep_pending_files(now: datetime) -> int:
    """Remove what was stored for a case that never took it; return how many.

    A row is doomed first, and the file removed when no case can take it any more.
    """
    old = PendingFile.objects.filter(at__lte=now - FORGOTTEN_AFTER).order_by("at")
    keys = list(old.values_list("key", flat=True)[:FEW])
    for key in keys:
        _forget(key, now)
    return len(keys)


def _forget(key: str, now: datetime) -> None:
    """Remove a file, unless its case has taken it: then its row is gone."""
    if PendingFile.objects.filter(key=key).update(doomed_at=now) == 0:
        return
    try:
        storage.discard(key)
    except Exception:  # the storage's own kinds; the row stays, and the sweep tries again
        log.exception("could not remove %s", key)
        return
    PendingFile.objects.filter(key=key).delete()


def _sniff(file: UploadedFile[Any]) -> str:
    file.seek(0)
    kind = sniff.media_type(file.read(sniff.HEAD_BYTES))
    most = sniff.most_bytes(kind, _limits())
    if (file.size or 0) > most:
        raise Unacceptable(Fault.TOO_LARGE, at_most=most)
    return kind


def _write(file: UploadedFile[Any], target: Path) -> None:
    with target.open("wb") as copy:
        for chunk in file.chunks():
            copy.write(chunk)


def _scan(path: Path) -> None:
    if not settings.CLAMD_URL:
        return
    try:
        scan.scan(path, settings.CLAMD_URL, settings.CLAMD_TIMEOUT_SECONDS)
    except scan.Infected as infected:
        raise FileInfected(pointer="/file", found=str(infected)) from infected
    except scan.Unanswered as silent:
        log.error("virus scanner: %s", silent)
        raise ScanUnavailable(pointer="/file") from silent


def _limits() -> Limits:
    return Limits(
        settings.EVIDENCE_MAX_BYTES,
        settings.EVIDENCE_MAX_VIDEO_BYTES,
        settings.EVIDENCE_MAX_PIXELS,
        settings.EVIDENCE_MAX_PAGES,
    )


def _sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
