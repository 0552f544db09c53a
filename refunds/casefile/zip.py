"""The archive: the document, the data, the files of the evidence, and the hashes of all of them.

manifest.json lists every file but case.pdf, which quotes the manifest's own hash; MANIFEST.sha256 lists all, so
`sha256sum -c MANIFEST.sha256` checks the whole. Same case, same instant: same bytes.
"""

import csv
import hashlib
import io
import json
import shutil
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import IO, Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from django.core.files.storage import Storage
from django.utils import timezone

from marketplace.kernel.csvfile import harmless

from ..evidence import storage
from ..models import Evidence
from .views import WITHHELD

CHUNK = 1024 * 1024
TEXTS = (".json", ".csv", ".sha256")
MANIFEST, SUMS, PDF = "manifest.json", "MANIFEST.sha256", "case.pdf"


class Listed(NamedTuple):
    file: str
    size: int
    sha256: str


class Archive:
    """A ZIP on disk that is written file by file; what was written is in `listed`."""

    def __init__(self, path: Path, at: datetime) -> None:
        self.zip = ZipFile(path, "w")
        self.at = timezone.localtime(at)
        self.listed: list[Listed] = []

    def add(self, name: str, content: IO[bytes]) -> Listed:
        info = ZipInfo(name, (*self.at.timetuple()[:6],))
        info.compress_type = ZIP_DEFLATED if name.endswith(TEXTS) else ZIP_STORED
        info.create_system, info.external_attr = 3, 0o100644 << 16
        digest, size = hashlib.sha256(), 0
        with self.zip.open(info, "w", force_zip64=True) as out:
            while chunk := content.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
                out.write(chunk)
        self.listed.append(Listed(name, size, digest.hexdigest()))
        return self.listed[-1]

    def add_text(self, name: str, text: str) -> Listed:
        return self.add(name, io.BytesIO(text.encode()))

    def close(self) -> None:
        self.zip.close()


def path_in_archive(evidence: Evidence) -> str:
    return f"evidence/{evidence.position:02}-{evidence.kind}-{evidence.name}"


def pack(archive: Archive, evidence: Evidence, room: int) -> str:
    """Put a file in, by way of a scratch file that is measured first; why it was left out, or "".

    `room` are the bytes that still fit.
    """
    if evidence.kind in WITHHELD:
        return "identity"
    if evidence.size > room:
        return "over_limit"
    with tempfile.TemporaryFile() as scratch:
        try:
            with storage.files().open(evidence.key) as stored:
                shutil.copyfileobj(stored, scratch, CHUNK)
        except FileNotFoundError:
            return "missing"
        scratch.seek(0)
        if hashlib.file_digest(scratch, "sha256").digest() != bytes(evidence.sha256):
            return "altered"
        scratch.seek(0)
        archive.add(path_in_archive(evidence), scratch)
    return ""


def thumbnail(key: str) -> bytes | None:
    files: Storage = storage.files()
    try:
        with files.open(key) as stored:
            return bytes(stored.read())
    except FileNotFoundError:
        return None


def as_json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def as_csv(rows: Iterable[Iterable[str]]) -> str:
    """For a spreadsheet: with a mark of its encoding, and nothing that it would take for a formula."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([harmless(cell) for cell in row] for row in rows)
    return "\ufeff" + out.getvalue()


def sums(listed: Iterable[Listed]) -> str:
    """In the form of `sha256sum -c`."""
    return "".join(f"{each.sha256}  {each.file}\n" for each in sorted(listed))
