"""A table as a file that spreadsheets open as it is."""

import csv
from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpResponse

BOM = "\ufeff"  # without it Excel takes UTF-8 for the local code page


def csv_file(name: str, header: Sequence[Any], lines: Iterable[Sequence[Any]]) -> HttpResponse:
    """`name` goes into a header as it is: never what somebody typed."""
    response = HttpResponse(BOM, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(response)
    writer.writerow(header)
    writer.writerows(lines)
    return response
