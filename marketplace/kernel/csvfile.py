"""A table as a file that spreadsheets open as it is."""

import csv
import re
from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpResponse

BOM = "\ufeff"  # without it Excel takes UTF-8 for the local code page
# A spreadsheet runs what begins so, whoever wrote it; a number may begin with its sign.
FORMULA = re.compile(r"(?![+-]?\d+(\.\d+)?$)[=+\-@\t\r]")


def csv_file(name: str, header: Sequence[Any], lines: Iterable[Sequence[Any]]) -> HttpResponse:
    """`name` goes into a header as it is: never what somebody typed."""
    response = HttpResponse(BOM, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(response)
    writer.writerow(header)
    writer.writerows([harmless(cell) for cell in line] for line in lines)
    return response


def harmless(cell: Any) -> Any:
    """A text that would run as a formula, as a text."""
    text = str(cell)
    return f"'{text}" if FORMULA.match(text) else cell
