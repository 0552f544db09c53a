"""Alipay's open platform (RSA2) through python-alipay-sdk: refund, query, notifications, the day's bill.

Alipay has no number of its own for a refund: a payment's `trade_no` and our `out_request_no` name it together.
An answer is believed only with Alipay's signature, and only where it speaks of the payment that was asked about:
the signature covers the answer alone, so an old answer would pass for a new one. Gateway errors that come without
a signature (a wrong app id, say) are therefore no answer either; their text is kept in ChannelUnreachable.

Where the buyer's bank does not take a refund back on the card (`dback_status` F), Alipay pays it into the buyer's
Alipay balance by itself (DepositBackInfo in its SDKs): the buyer has the money, so that is a success like any other,
and it is not asked for. Paying such a refund again by hand would pay it twice.
"""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from http.client import HTTPException
from typing import Any
from urllib.parse import parse_qsl

from alipay import AliPay  # type: ignore[import-untyped]
from alipay.exceptions import AliPayException, AliPayValidationError  # type: ignore[import-untyped]
from alipay.utils import AliPayConfig  # type: ignore[import-untyped]
from django.conf import settings

from marketplace.kernel.businesstime import SHANGHAI
from marketplace.kernel.money import major, minor

from . import alipay_bill
from .base import (
    Acknowledgement,
    BadNotification,
    ChannelUnreachable,
    Entry,
    Instruction,
    NoGateway,
    Notice,
    Result,
    Status,
    Subject,
)
from .pem import pem

# What a code means to a refund. The part after the last dot of `sub_code` is looked up, then `code`; a code that
# is not here is for a person, since nobody knows whether a second try would pay twice.
REFUND_CODES = {
    "20000": Status.RETRY,  # the gateway is down; whether the refund was taken is for the query to say
    "40005": Status.RETRY,  # too many calls
    "SYSTEM_ERROR": Status.RETRY,
    "SELLER_BALANCE_NOT_ENOUGH": Status.TOP_UP,
    "INVALID_PARAMETER": Status.REFUSED,
    "REFUND_AMT_NOT_EQUAL_TOTAL": Status.REFUSED,
    "REASON_TRADE_REFUND_FEE_ERR": Status.REFUSED,
    "TRADE_NOT_EXIST": Status.REFUSED,
    "TRADE_HAS_FINISHED": Status.REFUSED,
    "TRADE_STATUS_ERROR": Status.REFUSED,
    "TRADE_NOT_ALLOW_REFUND": Status.REFUSED,
    "REASON_TRADE_BEEN_FREEZEN": Status.PERSON,
    "DISCORDANT_REPEAT_REQUEST": Status.PERSON,
}
# A query that is refused says nothing of the refund, except that a payment unknown to Alipay has none.
QUERY_CODES = {
    "20000": Status.RETRY,
    "40005": Status.RETRY,
    "SYSTEM_ERROR": Status.RETRY,
    "TRADE_NOT_EXIST": Status.UNKNOWN,
}
# `notify_time` (and a message's `utc_timestamp`) is documented as the moment of sending, so that each of the eight
# tries in 25 hours carries its own and is fresh when it arrives. A try that is refused costs only a hint.
TOLERANCE = timedelta(minutes=5)
BANK_RETURN_MESSAGE = "alipay.trade.refund.depositback.completed"
# A day's bill is there at about nine the next morning, sometimes later. Before this "no bill" means "not yet",
# after it "nothing was traded".
BILL_IS_DUE = timedelta(days=1, hours=12)
# Fields are joined with "&" before they are signed, unescaped: one value that holds "&name=" may be two fields.
_FOLDED = re.compile(r"&[a-z0-9_]+=")
_NAME = re.compile(r"[a-z0-9_]+")
# The library stumbles over a bad answer in many ways; none of them is an answer.
_NO_ANSWER = (
    OSError,
    HTTPException,
    AliPayException,
    AliPayValidationError,
    ValueError,
    AttributeError,
    RecursionError,
)


class Alipay:
    """One app of one merchant. `channel_no` is Alipay's trade_no. Yuan only: another currency is for a person."""

    acknowledgement = Acknowledgement(200, "text/plain", b"success")

    def __init__(self) -> None:
        keys = settings.ALIPAY
        missing = [f"ALIPAY_{name.upper()}" for name, value in keys.items() if not value]
        if missing:
            raise NoGateway(f"not set: {', '.join(missing)}")
        self._app_id, self._seller_id = keys["app_id"], keys["seller_id"]
        try:
            self._client: Any = AliPay(
                appid=self._app_id,
                app_private_key_string=pem(keys["private_key"]),
                alipay_public_key_string=pem(keys["public_key"]),
                config=AliPayConfig(timeout=settings.CHANNEL_TIMEOUT_SECONDS),
            )
            if not self._client.app_private_key.has_private():
                raise ValueError("a public key")
        except (ValueError, IndexError, TypeError) as error:
            raise NoGateway("ALIPAY_PRIVATE_KEY or ALIPAY_PUBLIC_KEY is not such a key in PEM") from error
        self._client._gateway = keys["url"]  # the library knows two addresses of Alipay's, and no setting

    def refund(self, instruction: Instruction) -> Result:
        """Only fund_change=Y is success. The same number again answers N, and so does a refund still under way."""
        if instruction.money.currency != "CNY":
            return _not_yuan(instruction)
        content = {
            "trade_no": instruction.channel_no,
            "refund_amount": str(major(*instruction.money)),
            "out_request_no": instruction.number,
        }
        answer = self._ask("alipay.trade.refund", content)
        if answer.get("code") != "10000":
            return _error(answer, REFUND_CODES)
        _same(answer, trade_no=instruction.channel_no)
        return Result(Status.SUCCEEDED if answer.get("fund_change") == "Y" else Status.PENDING)

    def query(self, instruction: Instruction) -> Result:
        """UNKNOWN where the answer names no refund, PENDING where it names ours without REFUND_SUCCESS."""
        if instruction.money.currency != "CNY":
            return _not_yuan(instruction)
        # Not the library's own method for this: it cannot ask for what became of a bank card's money.
        content = {
            "trade_no": instruction.channel_no,
            "out_request_no": instruction.number,
        }
        answer = self._ask("alipay.trade.fastpay.refund.query", content)
        if answer.get("code") != "10000":
            return _error(answer, QUERY_CODES)
        if not answer.get("out_request_no") and not answer.get("refund_status"):
            return Result(Status.UNKNOWN)
        _same(answer, trade_no=instruction.channel_no, out_request_no=instruction.number)
        if answer.get("refund_status") != "REFUND_SUCCESS":
            return Result(Status.PENDING)
        return _settled(answer, instruction)

    def parse(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        """A form: a payment's notification, or a message of the app's (`msg_method`), which names no seller."""
        fields = _fields(body)
        self._verify(fields)
        is_message = "msg_method" in fields
        if fields.get("app_id") != self._app_id:
            raise BadNotification("not_ours", "app_id")
        if not is_message and fields.get("seller_id") != self._seller_id:
            raise BadNotification("not_ours", "seller_id")
        if abs(now - _sent_at(fields)) > TOLERANCE:
            raise BadNotification("stale")
        if not fields.get("notify_id"):
            raise BadNotification("malformed", "no notify_id")
        return _message(fields) if is_message else _notice(fields)

    def statement(self, day: date) -> Iterable[Entry]:
        """The refunds of the day's business bill (alipay_bill.py says what is read in it)."""
        content = {"bill_type": "trade", "bill_date": day.isoformat()}
        answer = self._ask("alipay.data.dataservice.bill.downloadurl.query", content)
        if _code(answer).upper().endswith("BILL_NOT_EXIST"):
            if datetime.now(UTC) < datetime.combine(day, time.min, SHANGHAI) + BILL_IS_DUE:
                raise ChannelUnreachable(f"the bill of {day} is not there yet")
            return []
        if answer.get("code") != "10000":
            raise ChannelUnreachable(f"no bill of {day}: {_code(answer)} {answer.get('sub_msg', '')}")
        return alipay_bill.fetch(str(answer.get("bill_download_url", "")), settings.CHANNEL_TIMEOUT_SECONDS)

    def _ask(self, method: str, content: dict[str, Any]) -> dict[str, Any]:
        """One signed call, one verified answer."""
        sent_at = datetime.now(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
        try:
            answer: dict[str, Any] = self._client.server_api(method, content, timestamp=sent_at)
        except _NO_ANSWER as error:
            raise ChannelUnreachable(f"{type(error).__name__}: {error}") from error
        return answer

    def _verify(self, fields: Mapping[str, str]) -> None:
        unsigned = {name: value for name, value in fields.items() if name != "sign"}
        try:
            is_good = self._client.verify(unsigned, fields.get("sign", ""))
        except (AliPayException, ValueError) as error:
            raise BadNotification("signature", str(error)) from error
        if not is_good:
            raise BadNotification("signature")


def _not_yuan(instruction: Instruction) -> Result:
    detail = f"Alipay pays yuan back, not {instruction.money.currency}."
    return Result(Status.PERSON, error_code="currency", error_detail=detail)


def _code(answer: Mapping[str, Any]) -> str:
    return str(answer.get("sub_code") or answer.get("code") or "")


def _error(answer: Mapping[str, Any], table: Mapping[str, Status]) -> Result:
    code = _code(answer)
    status = table.get(code.rpartition(".")[2]) or table.get(str(answer.get("code"))) or Status.PERSON
    return Result(status, error_code=code, error_detail=str(answer.get("sub_msg") or answer.get("msg") or ""))


def _same(answer: Mapping[str, Any], **asked: str) -> None:
    """Raises ChannelUnreachable where the answer is to another question."""
    for name, value in asked.items():
        if answer.get(name) != value:
            raise ChannelUnreachable(f"the answer is of another {name}: {answer.get(name)}")


def _settled(answer: Mapping[str, Any], instruction: Instruction) -> Result:
    amount = str(answer.get("refund_amount") or "")
    if amount != str(major(*instruction.money)) and _fen(amount) != instruction.money.amount:
        return Result(
            Status.PERSON, error_code="amount", error_detail=f"Alipay paid {amount} under this number."
        )
    return Result(Status.SUCCEEDED)


def _fen(yuan: str) -> int | None:
    try:
        return minor(Decimal(yuan), "CNY")
    except (ValueError, ArithmeticError):
        return None


def _fields(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=200
        )
    except ValueError as error:
        raise BadNotification("malformed", str(error)) from error
    fields = dict(pairs)
    if len(fields) != len(pairs) or not all(map(_NAME.fullmatch, fields)):
        raise BadNotification("malformed", "field names")
    if any(map(_FOLDED.search, fields.values())):
        raise BadNotification("malformed", "a value that may be two fields")
    return fields


def _sent_at(fields: Mapping[str, str]) -> datetime:
    try:
        if "msg_method" in fields:
            return datetime.fromtimestamp(int(fields["utc_timestamp"]) / 1000, UTC)
        return datetime.strptime(fields["notify_time"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)
    except (KeyError, ValueError, OverflowError, OSError) as error:
        raise BadNotification("malformed", "no time of sending") from error


def _notice(fields: Mapping[str, str]) -> Notice:
    """A payment's own news carries refund_fee too (0.00), and then no out_biz_no."""
    is_refund = bool(fields.get("refund_fee") and fields.get("out_biz_no"))
    return Notice(
        event_id=fields["notify_id"],
        subject=Subject.REFUND if is_refund else Subject.OTHER,
        refund_number=fields["out_biz_no"] if is_refund else "",
        channel_no=fields.get("trade_no", ""),
    )


def _message(fields: Mapping[str, str]) -> Notice:
    """What the bank did with a refund to its card, days later; any other message the app has subscribed to."""
    if fields["msg_method"] != BANK_RETURN_MESSAGE:
        return Notice(fields["notify_id"], Subject.OTHER)
    try:
        content = json.loads(fields["biz_content"])
        number, trade_no = str(content["out_request_no"]), str(content["trade_no"])
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise BadNotification("malformed", "biz_content") from error
    return Notice(fields["notify_id"], Subject.REFUND, refund_number=number, channel_no=trade_no)
