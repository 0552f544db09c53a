"""A file from beginning to end: batches in, bad rows out."""

import csv
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marketplace.intake.batches import BadRow, GoodRow, begin, import_batch
from marketplace.orders.models import Shop

from . import acgfaka, dujiaoka, recourse
from .base import Options, Reader, SkippedRow
from .files import Source

BATCH = 5000
BATCH_BYTES = 16 << 20  # of the file, so that rows with long page texts do not fill the memory

FORMATS: dict[str, Reader] = {"recourse": recourse.read, "dujiaoka": dujiaoka.read, "acg-faka": acgfaka.read}


@dataclass
class Summary:
    imported: int = 0
    known: int = 0
    bad: int = 0
    skipped: Counter[str] = field(default_factory=Counter)


def import_file(
    path: Path, file_format: str, shop: Shop, options: Options, *, progress: Callable[[int, int], None]
) -> Summary:
    """Import `path`; bad rows go to `<path>.bad.csv`, which is there only when there are any.

    `progress` is called with bytes read and bytes in all. Raises files.CannotRead.
    """
    source = Source(path)
    summary = Summary()
    begin()
    try:
        with _bad_file(path.with_name(path.name + ".bad.csv")) as write_bad:
            batch: list[GoodRow] = []
            began = 0
            for row in FORMATS[file_format](source, options):
                if isinstance(row, BadRow):
                    summary.bad += 1
                    write_bad(row)
                elif isinstance(row, SkippedRow):
                    summary.skipped[row.reason] += 1
                else:
                    batch.append(row)
                if len(batch) >= BATCH or source.position - began > BATCH_BYTES:
                    _take(shop, batch, options, summary, write_bad)
                    began = source.position
                    progress(source.position, source.size)
            _take(shop, batch, options, summary, write_bad)
            progress(source.size, source.size)
    finally:
        source.close()
    return summary


def _take(
    shop: Shop, batch: list[GoodRow], options: Options, summary: Summary, write_bad: Callable[[BadRow], None]
) -> None:
    if not batch:
        return
    result = import_batch(shop, batch, now=options.now)
    summary.imported += result.imported
    summary.known += result.known
    summary.bad += len(result.bad)
    for row in result.bad:
        write_bad(row)
    batch.clear()


@contextmanager
def _bad_file(path: Path) -> Iterator[Callable[[BadRow], None]]:
    """Made at the first bad row, for the owner's eyes alone: its raw rows hold card codes."""
    path.unlink(missing_ok=True)
    opened: list[Any] = []

    def write(row: BadRow) -> None:
        if not opened:
            file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", newline="")
            opened.extend([file, csv.writer(file)])
            opened[1].writerow(BadRow._fields)
        opened[1].writerow([str(value).encode(errors="replace").decode() for value in row])

    try:
        yield write
    finally:
        if opened:
            opened[0].close()
