"""A day's business bill from Alipay (bill_type "trade"): a ZIP with two CSV files in GBK, one of details, one of sums.

The detail file is known by its header, not by its name. Its lines of remarks begin with "#"; cells are padded with
tabs. These columns are relied on, by name, since Alipay adds others from time to time:

    支付宝交易号      the payment's trade_no
    业务类型          退款 for a refund; every other type is skipped
    完成时间          when it was done, Asia/Shanghai
    订单金额（元）    the refunded yuan, negative (商家实收 leaves out what Alipay itself gave towards the price)
    退款批次号/请求号  our out_request_no; empty where somebody refunded by hand at Alipay
"""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from http.client import HTTPException
from urllib.request import urlopen

from marketplace.kernel.businesstime import SHANGHAI
from marketplace.kernel.money import Money, minor

from .base import ChannelUnreachable, Entry, Status

TRADE_NO, KIND, DONE_AT, AMOUNT, NUMBER = (
    "支付宝交易号",
    "业务类型",
    "完成时间",
    "订单金额（元）",
    "退款批次号/请求号",
)
REFUND = "退款"
MAX_BYTES = 64 * 2**20  # of the ZIP, and of all that is in it: some 200,000 lines
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    csv.Error,
    EOFError,
    RuntimeError,
    ValueError,
    ArithmeticError,
    LookupError,
)


def fetch(url: str, timeout: float) -> list[Entry]:
    """The refunds of the bill at this address, which is good for 30 seconds.

    All or nothing: half a bill would make the other half look unpaid. Raises ChannelUnreachable.
    """
    if not url.startswith(("https://", "http://")):
        raise ChannelUnreachable(f"no address of a bill: {url}")
    try:
        with urlopen(url, timeout=timeout) as answer:  # noqa: S310 (the scheme was looked at)
            packed = answer.read(MAX_BYTES + 1)
    except (OSError, HTTPException, ValueError) as error:
        raise ChannelUnreachable(f"{type(error).__name__}: {error}") from error
    if len(packed) > MAX_BYTES:
        raise ChannelUnreachable(f"the bill is larger than {MAX_BYTES} bytes")
    try:
        return [_entry(row) for row in _details(packed) if row[KIND] == REFUND]
    except _UNREADABLE as error:
        raise ChannelUnreachable(f"a bill that cannot be read: {type(error).__name__}: {error}") from error


def _details(packed: bytes) -> Iterator[dict[str, str]]:
    """The lines of the detail file, each by column."""
    with zipfile.ZipFile(io.BytesIO(packed)) as bundle:
        if sum(member.file_size for member in bundle.infolist()) > MAX_BYTES:
            raise ValueError("too large")
        for member in bundle.infolist():
            rows = csv.reader(io.StringIO(bundle.read(member).decode("gb18030"), newline=""))
            cells = ([cell.strip() for cell in row] for row in rows if row and not row[0].startswith("#"))
            header = next(cells, [])
            if {TRADE_NO, KIND, DONE_AT, AMOUNT, NUMBER} <= set(header):
                for row in cells:
                    yield dict(zip(header, row, strict=True))
                return
    raise ValueError("no list of details")


def _entry(row: dict[str, str]) -> Entry:
    return Entry(
        number=row[NUMBER],
        channel_refund_no="",
        channel_no=row[TRADE_NO],
        money=Money(abs(minor(Decimal(row[AMOUNT]), "CNY")), "CNY"),
        status=Status.SUCCEEDED,
        at=datetime.strptime(row[DONE_AT], "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI),
    )
