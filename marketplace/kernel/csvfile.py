"""A table as a file that spreadsheets open as it is, and in which nothing that somebody typed runs as a formula."""

import csv
import re
from collections.abc import Iterable, Sequence
from typing import IO, Any

from django.http import HttpResponse
from openpyxl import Workbook

BOM = "\ufeff"  # without it Excel takes UTF-8 for the local code page
_FORMULA = re.compile(r"[=+\-@\t\r\n]")
_NUMBER = re.compile(r"[+-]?\d[\d,]*(\.\d+)?")
# What XML cannot hold, and a spreadsheet would refuse with the whole file.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def csv_file(name: str, header: Sequence[Any], lines: Iterable[Sequence[Any]]) -> HttpResponse:
    """`name` goes into a header as it is: never what somebody typed."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    write_csv(response, header, lines)
    return response


def write_csv(to: Any, header: Sequence[Any], lines: Iterable[Sequence[Any]]) -> None:
    """`to` takes text."""
    to.write(BOM)
    writer = csv.writer(to)
    writer.writerow(header)
    writer.writerows([harmless(cell) for cell in line] for line in lines)


def write_xlsx(to: IO[bytes], header: Sequence[Any], lines: Iterable[Sequence[Any]]) -> None:
    """One sheet, written row by row."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append([str(cell) for cell in header])
    for line in lines:
        sheet.append([harmless(cell) for cell in line])
    book.save(to)


def harmless(cell: Any) -> Any:
    """Text that a spreadsheet would run or misread, made to be read: "=1+1" is shown with an apostrophe before it."""
    if not isinstance(cell, str):
        return cell
    cell = _CONTROL.sub("", cell)
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell
