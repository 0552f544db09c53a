"""WeChat Pay, API v3, with WeChat Pay's public key (no certificates to fetch). Money is in fen, bills are in yuan.

The client library signs, sends and decrypts. It also trusts more than it should; `_Core` says what is added.
Where notifications go is set at WeChat Pay's merchant platform, not in each refund.

Documents at pay.weixin.qq.com/doc/v3/merchant: 4012556457 refund, 4012082053 notification, 4012556654 bill;
the bill's columns: pay.weixin.qq.com/docs/merchant/products/bill-download/format-trade.html
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import takewhile
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from wechatpayv3 import WeChatPay, WeChatPayType  # type: ignore[import-untyped]
from wechatpayv3.core import Core  # type: ignore[import-untyped]
from wechatpayv3.utils import aes_decrypt  # type: ignore[import-untyped]

from marketplace.kernel.businesstime import SHANGHAI
from marketplace.kernel.money import Money, minor

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

KEYS = ("url", "mchid", "appid", "serial", "private_key", "apiv3_key", "public_key", "public_key_id")
TOLERANCE_SECONDS = 300
SCHEME = "WECHATPAY2-SHA256-RSA2048"
SIGNED = ("Wechatpay-Serial", "Wechatpay-Signature", "Wechatpay-Timestamp", "Wechatpay-Nonce")
SIGNATURE_TYPE = "Wechatpay-Signature-Type"

STATES = {
    "PROCESSING": Status.PENDING,
    "SUCCESS": Status.SUCCEEDED,
    "CLOSED": Status.REFUSED,
    "ABNORMAL": Status.ABNORMAL,
}
# A bill uses the older words beside those.
STATES_IN_BILL = {**STATES, "FAIL": Status.REFUSED, "REFUNDCLOSE": Status.REFUSED, "CHANGE": Status.ABNORMAL}

# Any other code: RETRY where the HTTP status says "later" (429, 5xx), else PERSON.
ERRORS = {
    "SYSTEM_ERROR": Status.RETRY,
    "FREQUENCY_LIMITED": Status.RETRY,
    "RATELIMIT_EXCEED": Status.RETRY,
    "NOT_ENOUGH": Status.TOP_UP,
    "USER_ACCOUNT_ABNORMAL": Status.REFUSED,  # the buyer's account is closed: WeChat Pay leaves it to the merchant
    "INVALID_REQUEST": Status.PERSON,  # our number with another amount, over a year, over the payment
    "PARAM_ERROR": Status.PERSON,
    "SIGN_ERROR": Status.PERSON,
    "MCH_NOT_EXISTS": Status.PERSON,
    "NO_AUTH": Status.PERSON,
    # No such payment. Not REFUSED: that has a person pay by another road, and a payment the channel does not know
    # may never have been made. Our number of it or our keys are wrong; once right, the same call succeeds.
    "RESOURCE_NOT_EXISTS": Status.PERSON,
}


class _Core(Core):  # type: ignore[misc]
    """The library's core at our URL, which believes less.

    The library takes a signature of any age and, for a key it does not know, fetches certificates over the network
    before it refuses. Here time and key come first, for answers as for notifications.
    """

    def __init__(self, url: str, **keys: Any) -> None:
        super().__init__(**keys)
        self._gate_way = url.rstrip("/")

    def verify(self, headers: Mapping[str, str], body: str, now: datetime) -> None:
        """Raises BadNotification, or ValueError for a timestamp or text that is none."""
        signed = {name: headers.get(name) or "" for name in SIGNED}
        if missing := [name for name, value in signed.items() if not value]:
            raise BadNotification("malformed", f"no {', '.join(missing)}")
        if signed["Wechatpay-Serial"] != self._public_key_id:
            raise BadNotification("signature", "not signed with the key we know")
        # The documents list four headers, the library insists on this fifth.
        signed[SIGNATURE_TYPE] = headers.get(SIGNATURE_TYPE) or SCHEME
        if signed[SIGNATURE_TYPE] != SCHEME:
            raise BadNotification("signature", "not the algorithm we know")
        if abs(int(signed["Wechatpay-Timestamp"]) - int(now.timestamp())) > TOLERANCE_SECONDS:
            raise BadNotification("stale", signed["Wechatpay-Timestamp"])
        if not super()._verify_signature(signed, body):
            raise BadNotification("signature")

    def _verify_signature(self, headers: Mapping[str, str], body: str) -> bool:
        self.verify(headers, body, datetime.now(UTC))
        return True


class WechatPay:
    acknowledgement = Acknowledgement(204, "application/json", b"")

    def __init__(self) -> None:
        keys = settings.WECHAT_PAY
        if missing := [f"WECHAT_PAY_{name.upper()}" for name in KEYS if not keys.get(name)]:
            raise NoGateway(f"wechat_pay: {', '.join(missing)} not set")
        if len(keys["apiv3_key"].encode()) != 32:
            raise NoGateway("wechat_pay: WECHAT_PAY_APIV3_KEY must be 32 bytes long")
        self._mchid = keys["mchid"]
        self._apiv3_key = keys["apiv3_key"]
        own: dict[str, Any] = {
            "mchid": keys["mchid"],
            "cert_serial_no": keys["serial"],
            "private_key": pem(keys["private_key"]),
            "apiv3_key": keys["apiv3_key"],
            "public_key": pem(keys["public_key"]),
            "public_key_id": keys["public_key_id"],
            "timeout": settings.CHANNEL_TIMEOUT_SECONDS,
        }
        try:
            self._core = _Core(keys["url"], **own)
            self._client = WeChatPay(wechatpay_type=WeChatPayType.NATIVE, appid=keys["appid"], **own)
        except Exception as error:  # what the library raises for a key it cannot read
            raise NoGateway(f"wechat_pay: WECHAT_PAY_PRIVATE_KEY or _PUBLIC_KEY: {error}") from error
        self._client._core = self._core  # the library has no option for its URL

    def refund(self, instruction: Instruction) -> Result:
        money, captured = instruction.money, instruction.captured
        amount = {"refund": money.amount, "total": captured.amount, "currency": money.currency}
        return _result(
            instruction,
            *self._ask(
                lambda: self._client.refund(instruction.number, amount, transaction_id=instruction.channel_no)
            ),
        )

    def query(self, instruction: Instruction) -> Result:
        # Quoted here, because the library signs the path as given while its HTTP client would quote `|` after that.
        status, told = self._ask(lambda: self._client.query_refund(quote(instruction.number, safe="")))
        if told.get("code") == "RESOURCE_NOT_EXISTS":
            return Result(Status.UNKNOWN)
        return _result(instruction, status, told)

    def parse(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        try:
            text = body.decode()
            self._core.verify(headers, text, now)
            event = json.loads(text)
            return _notice(event, self._unsealed(event["resource"]))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise BadNotification("malformed", repr(error)[:200]) from error

    def statement(self, day: date) -> Iterable[Entry]:
        """The bill of refunds asked for on `day`. Its states are those of the moment they were written down."""
        status, told = self._ask(lambda: self._client.trade_bill(day.isoformat(), "REFUND"))
        if told.get("code") == "NO_STATEMENT_EXIST":
            return []
        if status != 200:
            raise ChannelUnreachable(f"no bill of {day}: {told.get('code')} {told.get('message')}")
        try:
            return list(_entries(self._bill(told)))
        except (OSError, EOFError, zlib.error, ValueError, LookupError, TypeError, ArithmeticError) as error:
            raise ChannelUnreachable(f"the bill of {day} cannot be read: {error!r}") from error

    def _ask(self, call: Callable[[], tuple[int, str | bytes]]) -> tuple[int, dict[str, Any]]:
        """One call: the HTTP status and what was answered. Raises ChannelUnreachable."""
        try:
            status, answer = call()
            told = json.loads(answer)
        except (OSError, ValueError, BadNotification) as error:
            raise ChannelUnreachable(repr(error)) from error
        is_theirs = isinstance(told, dict) and (200 <= status < 300 or "code" in told)
        if not is_theirs:
            raise ChannelUnreachable(f"HTTP {status}, and not in WeChat Pay's words")
        return status, told

    def _bill(self, told: dict[str, Any]) -> bytes:
        # Only path and query: the library would send our signature to whatever host begins like our URL.
        place = urlsplit(told["download_url"])
        # A download is not signed; the signed answer before it carries its hash.
        status, content = self._client.download_bill(f"{place.path}?{place.query}")
        if status != 200 or not isinstance(content, bytes):
            raise ValueError(f"HTTP {status}: {content[:200]!r}")
        bill = gzip.decompress(content)
        if told["hash_type"] != "SHA1":
            raise ValueError(f"hash {told['hash_type']}")
        if hashlib.sha1(bill, usedforsecurity=False).hexdigest() != told["hash_value"].lower():
            raise ValueError("wrong hash")
        return bill

    def _unsealed(self, sealed: dict[str, str]) -> dict[str, Any]:
        if sealed["algorithm"] != "AEAD_AES_256_GCM":
            raise ValueError(sealed["algorithm"])
        clear = aes_decrypt(
            nonce=sealed["nonce"],
            ciphertext=sealed["ciphertext"],
            associated_data=sealed.get("associated_data") or "",
            apiv3_key=self._apiv3_key,
        )
        if clear is None:
            raise BadNotification("not_ours", "sealed with another APIv3 key")
        told: dict[str, Any] = json.loads(clear)
        # A complaint names no merchant: it is ours because our key opened it.
        if told.get("mchid", self._mchid) != self._mchid:
            raise BadNotification("not_ours", "another merchant's")
        return told


def _result(instruction: Instruction, status: int, told: dict[str, Any]) -> Result:
    if not 200 <= status < 300:
        return _refusal(status, told)
    if told.get("out_refund_no") != instruction.number:
        raise ChannelUnreachable("the answer is about another refund")
    refund_no, state = str(told.get("refund_id", "")), str(told.get("status", ""))
    amount = told.get("amount")
    refunded = amount.get("refund") if isinstance(amount, dict) else None
    if (told.get("transaction_id"), refunded) != (instruction.channel_no, instruction.money.amount):
        # Two installations with one mchid and one number: what was paid there is not what we owe here.
        return Result(
            Status.PERSON,
            refund_no,
            "OTHER_REFUND",
            f"The channel has this number for another refund ({state}).",
        )
    outcome = STATES.get(state, Status.PERSON)
    is_well = outcome in (Status.SUCCEEDED, Status.PENDING)
    return Result(outcome, refund_no, "" if is_well else state)


def _refusal(status: int, told: dict[str, Any]) -> Result:
    code = str(told["code"])
    is_later = status == 429 or status >= 500
    outcome = ERRORS.get(code, Status.RETRY if is_later else Status.PERSON)
    return Result(outcome, error_code=code, error_detail=str(told.get("message", "")))


def _notice(event: dict[str, Any], told: dict[str, Any]) -> Notice:
    event_id = _text(event, "id")
    match _text(event, "event_type").partition(".")[0]:
        case "REFUND":
            number, payment = _text(told, "out_refund_no"), _text(told, "transaction_id")
            return Notice(event_id, Subject.REFUND, refund_number=number, channel_no=payment)
        case "COMPLAINT":
            return Notice(event_id, Subject.DISPUTE, dispute_no=_text(told, "complaint_id"))
        case _:
            return Notice(event_id, Subject.OTHER)


def _text(told: dict[str, Any], name: str) -> str:
    value = told[name]
    if not isinstance(value, str) or not value:
        raise TypeError(name)
    return value


def _entries(bill: bytes) -> Iterator[Entry]:
    """Columns by name, as the merchant's settings change their number; values begin with a backtick, the totals'
    heading below them does not. 申请退款金额 is what we asked for (退款金额 leaves the merchant's own vouchers out);
    bills in the oldest format lack it. 交易时间 is not read: it is the payment's time in some bills.
    """
    heading, *lines = bill.decode("utf-8-sig").replace("\r", "").split("\n")
    names = heading.split(",")
    for line in takewhile(lambda line: line.startswith("`"), lines):
        row = dict(zip(names, line[1:].split(",`"), strict=True))  # a goods title may hold a comma
        currency = row["货币种类"]
        yuan = row["申请退款金额"] if "申请退款金额" in row else row["退款金额"]
        yield Entry(
            number=row["商户退款单号"],
            channel_refund_no=row["微信退款单号"],
            channel_no=row["微信订单号"],
            money=Money(minor(Decimal(yuan), currency), currency),
            status=STATES_IN_BILL.get(row["退款状态"], Status.PERSON),
            at=datetime.strptime(row["退款申请时间"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI),
        )
