"""WeChat Pay API v3 on 127.0.0.1: real signatures both ways, sealed notifications, and books that refund once.

It refuses what the real one refuses and in its words; the limits are those of the refund document (365 days, 50
refunds a payment, a minute between two of one payment). Not imitated: 150 requests a second, 6 errors a second.
"""

import base64
import gzip
import hashlib
import json
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from marketplace.kernel.businesstime import SHANGHAI

from .keys import rsa_pair
from .server import LocalChannel, Request, Response

SCHEME = "WECHATPAY2-SHA256-RSA2048"
TOLERANCE = timedelta(minutes=5)
REFUNDS = "/v3/refund/domestic/refunds"
NUMBER = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
BILL_READY_AT = time(8)
BILL_HEADING = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,"
    "退款状态,商品名称,商户数据包,手续费,费率"
)
BILL_HEADING_NOW = ",订单金额,申请退款金额,费率备注"


@dataclass
class Payment:
    no: str
    total: int
    paid_at: datetime
    is_account_closed: bool = False


@dataclass
class Refund:
    number: str
    refund_id: str
    payment: Payment
    amount: int
    at: datetime


@cache
def _private_key(pem: str) -> Any:
    """Checked once a run, which takes longer than a test."""
    return load_pem_private_key(pem.encode(), None)


class _Refused(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


class WechatPayChannel(LocalChannel):
    mchid = "1900000109"
    serial = "444F4864EA9B34415D7E5E6D3AF5D5B1F2C7A5D1"  # of the merchant's certificate
    public_key_id = "PUB_KEY_ID_0119000001092024112500389200000000"
    apiv3_key = "0123456789abcdef0123456789abcdef"

    def __init__(self) -> None:
        super().__init__()
        self.payments: dict[str, Payment] = {}
        self.refunds: dict[str, Refund] = {}
        self.turns: dict[str, str] = {}  # by refund or payment number: the state it is in whatever the time
        self.balance: int | None = None  # None: enough
        self.refusal: tuple[int, str] | None = None  # answered to every refund and query: (HTTP status, code)
        self.skew = timedelta(0)  # how far its clock is off; `now` moves the business's time alone
        self.voucher = 0  # the merchant's own voucher in each refund of the bill
        self.is_bill_old = False
        self._files: dict[str, bytes] = {}
        merchant_private, merchant_public = rsa_pair("wechat_pay merchant")
        platform_private, platform_public = rsa_pair("wechat_pay")
        self._merchant: Any = load_pem_public_key(merchant_public.encode())
        self._platform = _private_key(platform_private)
        self.settings = {
            "url": self.url,
            "mchid": self.mchid,
            "appid": "wxd678efh567hg6787",
            "serial": self.serial,
            "private_key": merchant_private,
            "apiv3_key": self.apiv3_key,
            "public_key": platform_public,
            "public_key_id": self.public_key_id,
        }

    # --- The books ---

    def pay(self, no: str, total: int, paid_at: datetime | None = None) -> Payment:
        """A buyer's payment, in fen."""
        self.payments[no] = payment = Payment(no, total, paid_at or self.now())
        return payment

    def refunded(self, no: str) -> int:
        """What has left the payment, in fen."""
        return sum(refund.amount for refund in self._refunds_of(no))

    def _refunds_of(self, no: str) -> list[Refund]:
        return [r for r in self.refunds.values() if r.payment.no == no and self._state(r) != "CLOSED"]

    def _state(self, refund: Refund) -> str:
        turned = self.turns.get(refund.number) or self.turns.get(refund.payment.no)
        is_settled = self.now() >= refund.at + self.settles_after
        return turned or ("SUCCESS" if is_settled else "PROCESSING")

    # --- The calls ---

    def respond(self, request: Request) -> Response:
        url = urlsplit(request.path)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        try:
            self._check_signature(request)
            if (request.method, url.path) == ("GET", "/v3/billdownload/file"):
                return self._download(asked)
            if (request.method, url.path) == ("GET", "/v3/bill/tradebill"):
                return self._signed(200, self._bill(asked))
            if self.refusal:
                raise _Refused(*self.refusal, "as told")
            if (request.method, url.path) == ("POST", REFUNDS):
                return self._signed(200, self._refund(json.loads(request.body)))
            if request.method == "GET" and url.path.startswith(f"{REFUNDS}/"):
                return self._signed(200, self._query(unquote(url.path.removeprefix(f"{REFUNDS}/"))))
            raise _Refused(404, "RESOURCE_NOT_EXISTS", "no such address")
        except _Refused as refused:
            return self._signed(refused.status, {"code": refused.code, "message": refused.message})

    def system_error(self) -> Response:
        return self._signed(500, {"code": "SYSTEM_ERROR", "message": "系统超时"})

    def garbled(self, answer: Response) -> Response:
        """A bill of other refunds, an error cut in two; else an answer with a blank more than was signed."""
        if "Wechatpay-Signature" not in answer.headers:
            other = gzip.decompress(answer.body).replace(b"SUCCESS", b"SUCCESZ")
            return answer._replace(body=gzip.compress(other))
        if answer.status >= 400:
            return answer._replace(body=answer.body[: len(answer.body) // 2])
        return answer._replace(body=answer.body + b" ")

    def _check_signature(self, request: Request) -> None:
        scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
        said = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        is_ours = (scheme, said.get("mchid"), said.get("serial_no")) == (SCHEME, self.mchid, self.serial)
        if not is_ours or request.headers.get("Wechatpay-Serial") != self.public_key_id:
            raise _Refused(401, "SIGN_ERROR", "unknown merchant, certificate or key")
        asked_at = datetime.fromtimestamp(int(said["timestamp"]), UTC)
        if abs(asked_at - self._clock()) > TOLERANCE:
            raise _Refused(401, "SIGN_ERROR", "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")
        head = f"{request.method}\n{request.path}\n{said['timestamp']}\n{said['nonce_str']}\n"
        message = head.encode() + request.body + b"\n"
        try:
            self._merchant.verify(base64.b64decode(said["signature"]), message, PKCS1v15(), SHA256())
        except InvalidSignature:
            raise _Refused(401, "SIGN_ERROR", "签名错误") from None

    def _refund(self, asked: dict[str, Any]) -> dict[str, Any]:
        number, amount = asked["out_refund_no"], asked["amount"]
        if not NUMBER.fullmatch(number) or amount["currency"] != "CNY" or amount["refund"] < 1:
            raise _Refused(400, "PARAM_ERROR", "参数错误")
        payment = self.payments.get(asked["transaction_id"])
        if payment is None:
            raise _Refused(404, "RESOURCE_NOT_EXISTS", "订单不存在")
        known = self.refunds.get(number)
        if amount["total"] != payment.total or (
            known and (known.payment, known.amount) != (payment, amount["refund"])
        ):
            raise _Refused(400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试")
        if known:
            return self._told(known)
        self._check_limits(payment, amount["refund"])
        if self.balance is not None:
            self.balance -= amount["refund"]
        refund_id = f"5030{len(self.refunds):024d}"
        self.refunds[number] = Refund(number, refund_id, payment, amount["refund"], self.now())
        return self._told(self.refunds[number])

    def _check_limits(self, payment: Payment, amount: int) -> None:
        earlier = self._refunds_of(payment.no)
        if self.now() > payment.paid_at + timedelta(days=365):
            raise _Refused(400, "INVALID_REQUEST", "订单已经超过退款期限")
        if self.refunded(payment.no) + amount > payment.total:
            raise _Refused(400, "INVALID_REQUEST", "申请退款金额大于订单可退金额")
        if len(earlier) >= 50:
            raise _Refused(400, "INVALID_REQUEST", "部分退款次数已达上限")
        if any(self.now() < refund.at + timedelta(minutes=1) for refund in earlier):
            raise _Refused(429, "FREQUENCY_LIMITED", "同一笔订单多次退款的请求需相隔1分钟")
        if payment.is_account_closed:
            raise _Refused(403, "USER_ACCOUNT_ABNORMAL", "用户账户注销")
        if self.balance is not None and self.balance < amount:
            raise _Refused(403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起")

    def _query(self, number: str) -> dict[str, Any]:
        if number not in self.refunds:
            raise _Refused(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
        return self._told(self.refunds[number])

    def _told(self, refund: Refund) -> dict[str, Any]:
        return {
            "refund_id": refund.refund_id,
            "out_refund_no": refund.number,
            "transaction_id": refund.payment.no,
            "channel": "ORIGINAL",
            "user_received_account": "支付用户零钱",
            "create_time": refund.at.astimezone(SHANGHAI).isoformat(timespec="seconds"),
            "status": self._state(refund),
            "amount": {"total": refund.payment.total, "refund": refund.amount, "currency": "CNY"},
        }

    def _bill(self, asked: dict[str, str]) -> dict[str, str]:
        day = date.fromisoformat(asked["bill_date"])
        now = self.now().astimezone(SHANGHAI)
        if asked["bill_type"] != "REFUND" or asked["tar_type"] != "GZIP" or day >= now.date():
            raise _Refused(400, "INVALID_REQUEST", "请检查bill_date")
        of_day = [refund for refund in self.refunds.values() if refund.at.astimezone(SHANGHAI).date() == day]
        if not of_day:
            raise _Refused(400, "NO_STATEMENT_EXIST", "账单文件不存在")
        if now < datetime.combine(day + timedelta(days=1), BILL_READY_AT, SHANGHAI):
            raise _Refused(400, "STATEMENT_CREATING", "账单生成中")
        heading = BILL_HEADING if self.is_bill_old else BILL_HEADING + BILL_HEADING_NOW
        lines = [heading, *map(self._bill_line, of_day), "总交易单数,退款总金额", f"`{len(of_day)},`0.00", ""]
        bill = "\r\n".join(lines).encode("utf-8-sig")
        token = secrets.token_urlsafe()
        self._files[token] = gzip.compress(bill)
        return {
            "hash_type": "SHA1",
            "hash_value": hashlib.sha1(bill).hexdigest(),
            "download_url": f"{self.url}/v3/billdownload/file?token={token}",
        }

    def _bill_line(self, refund: Refund) -> str:
        paid_at, at = (
            when.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
            for when in (refund.payment.paid_at, refund.at)
        )
        state = self._state(refund)
        values = [paid_at, "wxd678efh567hg6787", self.mchid, "0", "", refund.payment.no, "DJ-1", "oUpF8u"]
        values += ["JSAPI", "REFUND", "OTHERS", "CNY", "0.00", "0.00", at, at if state == "SUCCESS" else ""]
        values += [refund.refund_id, refund.number, _yuan(refund.amount - self.voucher), "0.00", "ORIGINAL"]
        values += [state, "会员,月卡", "", "0.00000", "0.60%"]
        if not self.is_bill_old:
            values += [_yuan(refund.payment.total), _yuan(refund.amount), ""]
        return ",".join(f"`{value}" for value in values)

    def _download(self, asked: dict[str, str]) -> Response:
        """Not signed, as the real one is not."""
        if asked["token"] not in self._files:
            raise _Refused(400, "INVALID_REQUEST", "请重新获取账单地址")
        return Response(200, {"Content-Type": "text/plain"}, self._files[asked["token"]])

    # --- What it says by itself ---

    def notification(self, number: str, **changes: Any) -> tuple[dict[str, str], bytes]:
        """Headers and body of what it would send about the refund now; `changes` go into the sealed part."""
        told = self._told(self.refunds[number])
        state = told.pop("status")
        return self.event(f"REFUND.{state}", {"mchid": self.mchid, "refund_status": state, **told, **changes})

    def complaint(self, complaint_id: str, action: str = "CREATE_COMPLAINT") -> tuple[dict[str, str], bytes]:
        """A complaint's notification, which names neither merchant nor payment."""
        return self.event("COMPLAINT.CREATE", {"complaint_id": complaint_id, "action_type": action})

    def event(
        self, event_type: str, told: Any, /, *, apiv3_key: str = apiv3_key, **envelope: Any
    ) -> tuple[dict[str, str], bytes]:
        """Any notification: `told` is sealed, `envelope` replaces what is around it."""
        nonce, kind = secrets.token_hex(6), event_type.partition(".")[0].lower()
        sealed = AESGCM(apiv3_key.encode()).encrypt(nonce.encode(), json.dumps(told).encode(), kind.encode())
        body = {
            "id": f"EV-{secrets.token_hex(8)}",
            "create_time": self._clock().astimezone(SHANGHAI).isoformat(timespec="seconds"),
            "resource_type": "encrypt-resource",
            "event_type": event_type,
            "summary": "退款",
            "resource": {
                "original_type": kind,
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": base64.b64encode(sealed).decode(),
                "associated_data": kind,
                "nonce": nonce,
            },
            **envelope,
        }
        text = json.dumps(body, ensure_ascii=False).encode()
        return self.sign(text), text

    def sign(self, body: bytes, at: datetime | None = None) -> dict[str, str]:
        timestamp, nonce = str(int((at or self._clock()).timestamp())), secrets.token_hex(16)
        message = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
        signature = self._platform.sign(message, PKCS1v15(), SHA256())
        return {
            "Wechatpay-Serial": self.public_key_id,
            "Wechatpay-Signature": base64.b64encode(signature).decode(),
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature-Type": SCHEME,
        }

    def _clock(self) -> datetime:
        return datetime.now(UTC) + self.skew

    def _signed(self, status: int, told: dict[str, Any]) -> Response:
        body = json.dumps(told, ensure_ascii=False).encode()
        return Response(status, {"Content-Type": "application/json; charset=utf-8", **self.sign(body)}, body)


def _yuan(fen: int) -> str:
    return str(Decimal(fen).scaleb(-2))
