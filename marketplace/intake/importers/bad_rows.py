"""Rows that did not go in, with their reasons, in a file beside the one they came from."""

import csv
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from marketplace.intake.batches import BadRow


@contextmanager
def bad_file(path: Path) -> Iterator[Callable[[BadRow], None]]:
    """Made at the first bad row, for the owner's eyes alone: its raw rows hold card codes."""
    path.unlink(missing_ok=True)
    opened: list[Any] = []

    def write(row: BadRow) -> None:
        while not opened:
            path.unlink(
                missing_ok=True
            )  # of an import of the same file at the same time: this one names them too
            try:
                file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", newline="")
            except FileExistsError:
                continue
            opened.extend([file, csv.writer(file)])
            opened[1].writerow(BadRow._fields)
        opened[1].writerow([str(value).encode(errors="replace").decode() for value in row])

    try:
        yield write
    finally:
        if opened:
            opened[0].close()
