"""A file from beginning to end: batches in, bad rows out."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from marketplace.intake.batches import BadRow, GoodRow, begin, import_batch
from marketplace.orders.models import Shop

from . import acgfaka, dujiaoka, recourse
from .ahead import ahead, rare_collections
from .bad_rows import bad_file
from .base import Options, Reader
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


@dataclass
class Batch:
    good: list[GoodRow] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    read: int = 0  # bytes of the file, up to its last row

    def __len__(self) -> int:
        return len(self.good) + len(self.bad) + len(self.skipped)


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
        with (
            bad_file(path.with_name(path.name + ".bad.csv")) as write_bad,
            rare_collections(),
            ahead(_batches(source, file_format, options)) as batches,
        ):
            for batch in batches:
                _take(shop, batch, options, summary, write_bad)
                progress(batch.read, source.size)
            progress(source.size, source.size)
    finally:
        source.close()
    return summary


def _batches(source: Source, file_format: str, options: Options) -> Iterator[Batch]:
    batch = Batch()
    began = 0
    for row in FORMATS[file_format](source, options):
        if isinstance(row, GoodRow):
            batch.good.append(row)
        elif isinstance(row, BadRow):
            batch.bad.append(row)
        else:
            batch.skipped.append(row.reason)
        if len(batch) >= BATCH or source.position - began > BATCH_BYTES:
            began = batch.read = source.position
            yield batch
            batch = Batch()
    batch.read = source.size
    yield batch


def _take(
    shop: Shop, batch: Batch, options: Options, summary: Summary, write_bad: Callable[[BadRow], None]
) -> None:
    for row in batch.bad:
        write_bad(row)
    summary.bad += len(batch.bad)
    summary.skipped.update(batch.skipped)
    if not batch.good:
        return
    result = import_batch(shop, batch.good, now=options.now)
    summary.imported += result.imported
    summary.known += result.known
    summary.bad += len(result.bad)
    for row in result.bad:
        write_bad(row)
