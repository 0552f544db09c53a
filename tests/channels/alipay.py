"""Alipay on 127.0.0.1: the gateway, the file server of its bills, and the notifications it sends.

Signatures are made and checked without the library under test (rsa2.py). Answers are signed over their
exact text; a call with a wrong signature or app id gets an unsigned error, as at the real gateway.
"""

import csv
import io
import json
import re
import secrets
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from marketplace.kernel.businesstime import SHANGHAI

from . import rsa2
from .keys import rsa_pair
from .server import LocalChannel, Request, Response

Content = dict[str, Any]  # JSON, asked and answered

BETWEEN_REFUNDS = timedelta(seconds=3)  # of one payment
BILL_IS_MADE = timedelta(days=1, hours=9)
BILL_ADDRESS_LIVES = timedelta(seconds=30)
OK = {"code": "10000", "msg": "Success"}
BILL_HEADER = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,"
    "订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,"
    "券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)


@dataclass
class Refund:
    number: str
    amount: int  # fen
    at: datetime
    settles_at: datetime
    bank: str = ""  # dback_status, where the money went back to a bank card: P, S or F


@dataclass
class Trade:
    trade_no: str
    total: int  # fen
    paid_at: datetime
    bank_card: bool = False
    refuses: tuple[str, str] | None = None  # (code, sub_code) to every call about it
    refunds: dict[str, Refund] = field(default_factory=dict)

    @property
    def refunded(self) -> int:
        return sum(refund.amount for refund in self.refunds.values())


class Refusal(Exception):
    def __init__(self, sub_code: str, sub_msg: str = "", code: str = "40004") -> None:
        super().__init__(sub_code)
        self.answer = {"code": code, "msg": "Business Failed", "sub_code": sub_code, "sub_msg": sub_msg}


class AlipayChannel(LocalChannel):
    app_id = "2021000000000001"
    seller_id = "2088000000000001"

    def __init__(self) -> None:
        super().__init__()
        self.app_private_key, self._app_public_key = rsa_pair("alipay app")
        self._private_key, self.public_key = rsa_pair("alipay")
        self.trades: dict[str, Trade] = {}
        self.balance = 10**12  # fen of the merchant's, from which refunds are paid
        self.outage: Response | None = None  # what stands in for a signed ACQ.SYSTEM_ERROR
        self.spoil: Callable[[Response], Response] = sign_wrongly  # how a garbled answer is garbled
        self._bills: dict[str, tuple[date, datetime]] = {}  # token -> day, good until
        self._asked = threading.local()

    @property
    def settings(self) -> dict[str, str]:
        """settings.ALIPAY for a merchant of this channel."""
        return {
            "url": f"{self.url}/gateway.do",
            "app_id": self.app_id,
            "seller_id": self.seller_id,
            "private_key": self.app_private_key,
            "public_key": self.public_key,
        }

    def pay(self, trade_no: str, total: int, *, bank_card: bool = False) -> Trade:
        """A buyer has paid `total` fen."""
        trade = Trade(trade_no, total, self.now(), bank_card)
        self.trades[trade_no] = trade
        return trade

    def fail_after_success(self, number: str) -> None:
        """The bank does not take this refund back on the card: it goes to the buyer's balance."""
        self._refund(number)[1].bank = "F"

    def respond(self, request: Request) -> Response:
        address = urlsplit(request.path)
        if address.path == "/bill":
            return self._bill_file(dict(parse_qsl(address.query)).get("token", ""))
        fields = dict(parse_qsl(address.query, keep_blank_values=True) + parse_qsl(request.body.decode()))
        if refused := self._wrong(fields):
            return _json(
                {"error_response": {"code": "40002", "msg": "Invalid Arguments", "sub_code": refused}}
            )
        method = fields["method"]
        content = json.loads(fields["biz_content"])
        try:
            answer: Content = OK | METHODS[method](self, content)
        except Refusal as refusal:
            answer = refusal.answer
        return self._signed(method, answer)

    def system_error(self) -> Response:
        answer = Refusal("ACQ.SYSTEM_ERROR", "系统错误").answer
        return self.outage or self._signed(self._asked.method, answer)

    def garbled(self, answer: Response) -> Response:
        return self.spoil(answer)

    def _answer(self, request: Request) -> Response | None:
        # A system error is signed in the name of the method that was called.
        self._asked.method = dict(parse_qsl(urlsplit(request.path).query)).get("method", "")
        return super()._answer(request)

    def _wrong(self, fields: dict[str, str]) -> str:
        """What the gateway says before it looks at the business, unsigned."""
        if fields.get("app_id") != self.app_id:
            return "isv.invalid-app-id"
        unsigned = {name: value for name, value in fields.items() if name != "sign"}
        if fields.get("sign_type") != "RSA2" or not rsa2.is_signed(
            rsa2.joined(unsigned), fields.get("sign", ""), self._app_public_key
        ):
            return "isv.invalid-signature"
        # By the caller's real clock, whatever `now` is set to here: eight hours off is a naive UTC.
        sent_at = datetime.strptime(fields["timestamp"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)
        if abs(datetime.now(UTC) - sent_at) > timedelta(minutes=10):
            return "isv.invalid-timestamp"
        return "" if fields.get("method") in METHODS else "isv.invalid-method"

    def _signed(self, method: str, answer: Content) -> Response:
        name = method.replace(".", "_") + "_response"
        text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
        return _text(f'{{"{name}":{text},"sign":"{rsa2.sign(text, self._private_key)}"}}')

    # --- What can be called ----------------------------------------------------------------------------------

    def refund(self, content: Content) -> Content:
        trade = self._trade(content)
        amount = _fen(content.get("refund_amount", ""))
        number = content.get("out_request_no", "")
        if not number and amount != trade.total:
            raise Refusal("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
        if len(number) > 64:
            raise Refusal("ACQ.INVALID_PARAMETER")
        known = trade.refunds.get(number)
        if known is None:
            self._allow(trade, amount)
            self.balance -= amount
            bank = "P" if trade.bank_card else ""
            now = self.now()
            trade.refunds[number] = Refund(number, amount, now, now + self.settles_after, bank)
        elif known.amount != amount:
            raise Refusal("ACQ.DISCORDANT_REPEAT_REQUEST")
        moved = known is None and not self.settles_after
        return {
            "trade_no": trade.trade_no,
            "fund_change": "Y" if moved else "N",
            "refund_fee": _yuan(trade.refunded),  # of all refunds of the payment
        }

    def _allow(self, trade: Trade, amount: int) -> None:
        if amount > trade.total - trade.refunded:
            raise Refusal("ACQ.REASON_TRADE_REFUND_FEE_ERR", "退款金额无效")
        if any(self.now() - refund.at < BETWEEN_REFUNDS for refund in trade.refunds.values()):
            raise Refusal("ACQ.SYSTEM_ERROR", "同一笔交易退款间隔不足3秒")  # no code of its own is documented
        if amount > self.balance:
            raise Refusal("ACQ.SELLER_BALANCE_NOT_ENOUGH", "卖家余额不足")

    def query(self, content: Content) -> Content:
        trade = self._trade(content)
        refund = trade.refunds.get(str(content.get("out_request_no")))
        if refund is None:
            return {}  # code 10000 and nothing else
        answer: Content = {
            "trade_no": trade.trade_no,
            "out_request_no": refund.number,
            "refund_amount": _yuan(refund.amount),
            "total_amount": _yuan(trade.total),
        }
        if self.now() >= refund.settles_at:
            answer["refund_status"] = "REFUND_SUCCESS"
        if refund.bank and "deposit_back_info" in content.get("query_options", []):
            answer["deposit_back_info"] = {"has_deposit_back": "true", "dback_status": refund.bank}
        return answer

    def bill(self, content: Content) -> Content:
        day = date.fromisoformat(content["bill_date"])
        made_at = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI) + BILL_IS_MADE
        if content.get("bill_type") != "trade":
            raise Refusal("INVAILID_ARGUMENTS")
        if self.now() < made_at or not self._bill_rows(day):
            raise Refusal("isp.BILL_NOT_EXIST", "账单不存在")
        token = secrets.token_hex(8)
        self._bills[token] = (day, self.now() + BILL_ADDRESS_LIVES)
        return {"bill_download_url": f"{self.url}/bill?token={token}"}

    # --- Bills -----------------------------------------------------------------------------------------------

    def _bill_rows(self, day: date) -> list[dict[str, str]]:
        rows = []
        for trade in self.trades.values():
            rows.append(_bill_row(trade, "交易", trade.total, trade.paid_at, ""))
            for refund in trade.refunds.values():
                if self.now() >= refund.settles_at:
                    rows.append(_bill_row(trade, "退款", -refund.amount, refund.settles_at, refund.number))
        return [row for row in rows if row["完成时间"].startswith(day.isoformat())]

    def _bill_file(self, token: str) -> Response:
        day, until = self._bills.get(token, (date.min, self.now()))
        if self.now() >= until:
            return Response(403, {"Content-Type": "text/plain"}, b"expired")
        details = io.StringIO()
        details.write(f"#支付宝业务明细查询\r\n#账号：[{self.seller_id}0156]\r\n#---业务明细列表---\r\n")
        writer = csv.DictWriter(details, BILL_HEADER.split(","), restval="")
        writer.writeheader()
        writer.writerows(self._bill_rows(day))
        details.write("#---业务明细列表结束---\r\n#交易合计：略\r\n")
        sums = "#支付宝业务汇总查询\r\n门店编号,门店名称,交易订单总笔数,退款订单总笔数\r\n合计,,1,1\r\n"
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bundle:
            bundle.writestr(f"{self.seller_id}_{day:%Y%m%d}_业务明细(汇总).csv", sums.encode("gbk"))
            bundle.writestr(f"{self.seller_id}_{day:%Y%m%d}_业务明细.csv", details.getvalue().encode("gbk"))
        return Response(200, {"Content-Type": "application/zip"}, packed.getvalue())

    # --- Notifications ---------------------------------------------------------------------------------------

    def notification(
        self, number: str, *, key: str | None = None, **changes: str | None
    ) -> tuple[dict[str, str], bytes]:
        """The payment's notification of this refund, signed after the changes (None leaves a field out)."""
        trade, refund = self._refund(number)
        fields: dict[str, str | None] = {
            "notify_type": "trade_status_sync",
            "notify_id": secrets.token_hex(16),
            "notify_time": _local(self.now()),
            "charset": "utf-8",
            "version": "1.0",
            "app_id": self.app_id,
            "seller_id": self.seller_id,
            "trade_no": trade.trade_no,
            "subject": "点卡 & 激活码",
            "trade_status": "TRADE_CLOSED" if trade.refunded == trade.total else "TRADE_SUCCESS",
            "total_amount": _yuan(trade.total),
            "refund_fee": _yuan(trade.refunded),
            "gmt_refund": _local(refund.settles_at) + ".000",
            "out_biz_no": number,
        }
        return self.sign_form(fields | changes, key)

    def bank_message(self, number: str, **changes: str | None) -> tuple[dict[str, str], bytes]:
        """The app's message that the bank has answered for this refund."""
        trade, refund = self._refund(number)
        content = {"trade_no": trade.trade_no, "out_request_no": number, "dback_status": refund.bank}
        fields: dict[str, str | None] = {
            "notify_id": secrets.token_hex(16),
            "utc_timestamp": str(int(self.now().timestamp() * 1000)),
            "msg_method": "alipay.trade.refund.depositback.completed",
            "app_id": self.app_id,
            "version": "1.1",
            "charset": "utf-8",
            "biz_content": json.dumps(content),
        }
        return self.sign_form(fields | changes)

    def sign_form(
        self, fields: dict[str, str | None], key: str | None = None
    ) -> tuple[dict[str, str], bytes]:
        present = {name: value for name, value in fields.items() if value is not None}
        sign = rsa2.sign(rsa2.joined(present), key or self._private_key)
        body = urlencode(present | {"sign_type": "RSA2", "sign": sign})
        return {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, body.encode()

    # --- Look-ups --------------------------------------------------------------------------------------------

    def _trade(self, content: Content) -> Trade:
        trade = self.trades.get(str(content.get("trade_no")))
        if trade is None:
            raise Refusal("ACQ.TRADE_NOT_EXIST", "交易不存在")
        if trade.refuses:
            code, sub_code = trade.refuses
            raise Refusal(sub_code, "拒绝", code)
        return trade

    def _refund(self, number: str) -> tuple[Trade, Refund]:
        return next((t, t.refunds[number]) for t in self.trades.values() if number in t.refunds)


METHODS: dict[str, Callable[[AlipayChannel, Content], Content]] = {
    "alipay.trade.refund": AlipayChannel.refund,
    "alipay.trade.fastpay.refund.query": AlipayChannel.query,
    "alipay.data.dataservice.bill.downloadurl.query": AlipayChannel.bill,
}


def sign_wrongly(answer: Response) -> Response:
    """One character of what was signed is another."""
    return answer._replace(body=answer.body.replace(b'"code":"', b'"code":"4', 1))


def unsign(answer: Response) -> Response:
    return answer._replace(body=re.sub(rb',"sign":"[^"]*"', b"", answer.body))


def cut_off(answer: Response) -> Response:
    return answer._replace(body=answer.body[: len(answer.body) // 2])


def talk_nonsense(answer: Response) -> Response:
    return answer._replace(body=b"<html>\xff\xfe</html>")


def _json(value: object) -> Response:
    return _text(json.dumps(value))


def _text(text: str) -> Response:
    return Response(200, {"Content-Type": "text/html;charset=utf-8"}, text.encode())


def _bill_row(trade: Trade, kind: str, amount: int, at: datetime, number: str) -> dict[str, str]:
    return {
        "支付宝交易号": f"{trade.trade_no}\t",
        "业务类型": kind,
        "商品名称": "点卡, 激活码",
        "创建时间": _local(trade.paid_at),
        "完成时间": _local(at),
        "订单金额（元）": _yuan(amount),
        "商家实收（元）": _yuan(amount * 9 // 10),  # Alipay gave a tenth of the price
        "退款批次号/请求号": f"{number}\t",
    }


def _local(at: datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"


def _yuan(fen: int) -> str:
    return str(Decimal(fen).scaleb(-2))


def _fen(yuan: str) -> int:
    if not re.fullmatch(r"\d{1,7}(\.\d{1,2})?", yuan) or not Decimal(yuan):
        raise Refusal("ACQ.INVALID_PARAMETER", "参数无效")
    return int(Decimal(yuan).scaleb(2))
