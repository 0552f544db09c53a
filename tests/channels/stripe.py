"""Stripe on 127.0.0.1: refunds and disputes with its own books, kept keys, and signed notifications.

It refuses what Stripe refuses and keeps what Stripe keeps: the first answer to a key comes again for 24 hours, a 500
from inside included, and then the same key runs anew. A system error before anything ran (Fault.ERROR) is not kept,
one after it ran (Fault.ERROR_AFTER) is. `refusals` holds errors that these books know no cause for.

A refund waits `settles_after`, and for as long as the balance is too small; time is told by `now`.
"""

import hmac
import itertools
import json
import operator
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from marketplace.kernel.money import Money

from .server import LocalChannel, Request, Response

KEYS_LIVE = timedelta(hours=24)
BEFORE_KEYS = (401, 409, 429, 503)  # answered before the key is looked at, and so not kept under it
DISPUTE_FEE = 1500
REFUND_FIELDS = {"amount", "charge", "payment_intent", "metadata", "reason", "expand"}
COMPARED = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
LIST_FIELDS = {"charge", "payment_intent", "created", "limit", "starting_after", "expand"}


class Refused(Exception):
    """An error of Stripe's, in its words."""

    def __init__(
        self, status: int, code: str = "", message: str = "Refused.", type: str = "invalid_request_error"
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"type": type, "message": message} | ({"code": code} if code else {})

    def response(self) -> Response:
        return _json({"error": self.error}, self.status)


class Kept(NamedTuple):
    """What a key remembers."""

    asked: str
    answer: Response
    at: datetime


class Payment(NamedTuple):
    charge: str
    intent: str | None
    money: Money


class StripeChannel(LocalChannel):
    def __init__(self, api_key: str = "sk_test_local", webhook_secret: str = "whsec_local") -> None:
        super().__init__()
        self.api_key = api_key
        self.restricted_key = api_key.replace("sk_", "rk_", 1)  # may read and not refund
        self.webhook_secret = webhook_secret
        self.payments: list[Payment] = []
        self.refunds: list[dict[str, Any]] = []
        self.disputes: dict[str, dict[str, Any]] = {}
        self.moves: list[tuple[str, Money]] = []  # balance transactions: their id, and what each brought us
        self.keys: dict[str, Kept] = {}
        self.refusals: deque[Refused] = deque()  # taken one a call, oldest first
        self.first_status = "pending"  # "requires_action": the buyer is asked for an account
        self.garble: Callable[[bytes], bytes] = lambda body: body[: len(body) // 2]
        self._serial = itertools.count(1)

    @property
    def settings(self) -> dict[str, str]:
        """settings.STRIPE of who asks this channel."""
        return {"url": self.url, "api_key": self.api_key, "webhook_secret": self.webhook_secret}

    # What a test does at the channel's side.

    def pay(self, money: Money, *, by_intent: bool = True) -> str:
        """A captured payment; returns its number."""
        intent = self._id("pi") if by_intent else None
        payment = Payment(self._id("ch" if by_intent else "py"), intent, money)
        self.payments.append(payment)
        self._move(money)
        return intent or payment.charge

    def balance(self, currency: str) -> int:
        return sum(money.amount for _no, money in self.moves if money.currency == currency)

    def top_up(self, money: Money) -> None:
        """Our money into the balance there; a negative amount is a payout to our bank."""
        self._move(money)

    def paid_back(self, number: str) -> int:
        """What left for the buyer under our number, in all."""
        gone = [r["amount"] for r in self._numbered(number) if r["status"] in ("pending", "succeeded")]
        return sum(gone)

    def become(self, number: str, status: str, reason: str | None = None) -> dict[str, Any]:
        """Let a refund be of this status from now on; one that fails brings the money back, also after success."""
        refund = self._numbered(number)[-1]
        if status in ("failed", "canceled") and refund["balance_transaction"]:
            refund["failure_balance_transaction"] = self._move(Money(refund["amount"], _iso(refund)))
        refund.update(status=status, failure_reason=reason, pending_reason=None)
        return refund

    def open_dispute(
        self,
        channel_no: str,
        *,
        status: str = "needs_response",
        case_type: str = "chargeback",
        due_in: timedelta | None = timedelta(days=9),
    ) -> dict[str, Any]:
        """The bank takes the money at once, unless it only inquires (warning_...)."""
        payment = self._payment({"payment_intent": channel_no, "charge": channel_no})
        no, now = self._id("du"), self._seconds()
        moves = [] if status.startswith("warning") else [self._move(_minus(payment.money, DISPUTE_FEE))]
        self.disputes[no] = {
            "id": no,
            "object": "dispute",
            "amount": payment.money.amount,
            "currency": payment.money.currency.lower(),
            "charge": payment.charge,
            "payment_intent": payment.intent,
            "balance_transactions": moves,
            "created": now,
            "evidence_details": {"due_by": now + int(due_in.total_seconds()) if due_in else 0},
            "payment_method_details": {"type": "card", "card": {"brand": "visa", "case_type": case_type}},
            "reason": "fraudulent",
            "status": status,
        }
        return self.disputes[no]

    def close_dispute(self, dispute_no: str, status: str) -> dict[str, Any]:
        dispute = self.disputes[dispute_no]
        if status == "won":
            back = self._move(Money(dispute["amount"], _iso(dispute)))
            dispute["balance_transactions"].append(back)
        dispute["status"] = status
        return dispute

    def notification(self, kind: str, subject: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
        """A signed event about a refund, a charge or a dispute as it is now; the caller delivers it."""
        event = {
            "id": self._id("evt"),
            "object": "event",
            "type": kind,
            "created": self._seconds(),
            "data": {"object": dict(subject)},
            "livemode": False,
        }
        body = json.dumps(event).encode()
        return self.signed(body), body

    def signed(self, body: bytes) -> dict[str, str]:
        time = self._seconds()
        mac = hmac.new(self.webhook_secret.encode(), f"{time}.".encode() + body, sha256).hexdigest()
        return {"Content-Type": "application/json", "Stripe-Signature": f"t={time},v1={mac},v0={'0' * 64}"}

    # What the channel answers.

    def respond(self, request: Request) -> Response:
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if key not in (self.api_key, self.restricted_key):
            return Refused(401, message="Invalid API Key provided: sk_****").response()
        if self.refusals and self.refusals[0].status in BEFORE_KEYS:
            return self.refusals.popleft().response()
        if request.method == "GET":
            return self._run(request)
        if key == self.restricted_key:
            return Refused(403, message="The provided key does not have the required permissions.").response()
        return self._once(request)

    def _answer(self, request: Request) -> Response | None:
        key = request.headers.get("Idempotency-Key") or ""
        is_new = key not in self.keys
        answer = super()._answer(request)
        if answer is not None and answer.status == 500 and is_new and key in self.keys:
            self.keys[key] = self.keys[key]._replace(answer=answer)
        return answer

    def _once(self, request: Request) -> Response:
        key, asked = request.headers.get("Idempotency-Key") or "", request.body.decode()
        kept = self.keys.get(key)
        if kept and self.now() - kept.at < KEYS_LIVE:
            if kept.asked != asked:
                return Refused(
                    400,
                    type="idempotency_error",
                    message="Keys for idempotent requests can only be used with the same parameters.",
                ).response()
            return kept.answer._replace(headers={**kept.answer.headers, "Idempotent-Replayed": "true"})
        answer = self._run(request)
        if key:
            self.keys[key] = Kept(asked, answer, self.now())
        return answer

    def _run(self, request: Request) -> Response:
        self._settle()
        url = urlsplit(request.path)
        asked = _nested(parse_qsl(request.body.decode() or url.query, keep_blank_values=True))
        try:
            if self.refusals:
                raise self.refusals.popleft()
            match request.method, url.path.split("/")[1:]:
                case "POST", ["v1", "refunds"]:
                    return _json(self._refund(asked))
                case "GET", ["v1", "refunds"]:
                    return _json(self._list(asked))
                case "GET", ["v1", "refunds", no]:
                    return _json(_found([r for r in self.refunds if r["id"] == no], "refund", no))
                case "GET", ["v1", "disputes", no]:
                    return _json(_found([d for d in self.disputes.values() if d["id"] == no], "dispute", no))
            raise Refused(404, message=f"Unrecognized request URL ({request.method}: {url.path}).")
        except Refused as refused:
            return refused.response()

    def system_error(self) -> Response:
        return Refused(500, type="api_error", message="Something went wrong on Stripe's end.").response()

    def garbled(self, answer: Response) -> Response:
        return answer._replace(body=self.garble(answer.body))

    def _refund(self, asked: dict[str, Any]) -> dict[str, Any]:
        _known(asked, REFUND_FIELDS)
        payment = self._payment(asked)
        amount = self._refundable(payment, asked.get("amount", ""))
        refund = {
            "id": self._id("re" if payment.intent else "pyr"),
            "object": "refund",
            "amount": amount,
            "balance_transaction": None,
            "charge": payment.charge,
            "created": self._seconds(),
            "currency": payment.money.currency.lower(),
            "failure_balance_transaction": None,
            "failure_reason": None,
            "metadata": asked.get("metadata", {}),
            "payment_intent": payment.intent,
            "pending_reason": None,
            "reason": asked.get("reason"),
            "status": self.first_status,
        }
        self.refunds.append(refund)
        self._settle()
        return refund

    def _refundable(self, payment: Payment, amount: str) -> int:
        taken = [d for d in self.disputes.values() if d["balance_transactions"] and d["status"] != "won"]
        if payment.charge in [dispute["charge"] for dispute in taken]:
            message = f"Charge {payment.charge} has been charged back; cannot issue a refund."
            raise Refused(400, "charge_disputed", message)
        gone = sum(
            r["amount"]
            for r in self.refunds
            if r["charge"] == payment.charge and r["status"] not in ("failed", "canceled")
        )
        left = payment.money.amount - gone
        if left == 0:
            message = f"Charge {payment.charge} has already been refunded."
            raise Refused(400, "charge_already_refunded", message)
        if not amount.isdecimal() or int(amount) < 1:
            raise Refused(400, "parameter_invalid_integer", f"Invalid integer: {amount}")
        if int(amount) > left:
            message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
            raise Refused(400, message=message)
        if payment.money.currency == "KWD" and not amount.endswith("0"):
            raise Refused(400, message="The last digit of an amount of three decimals must be 0.")
        return int(amount)

    def _settle(self) -> None:
        for refund in self.refunds:
            if refund["status"] != "pending":
                continue
            money = Money(refund["amount"], _iso(refund))
            if not refund["balance_transaction"]:
                if self.balance(money.currency) < money.amount:
                    refund["pending_reason"] = "insufficient_funds"
                    continue
                refund["balance_transaction"] = self._move(_minus(money))
            is_due = self._seconds() >= refund["created"] + self.settles_after.total_seconds()
            refund["status"] = "succeeded" if is_due else "pending"
            refund["pending_reason"] = None if is_due else "processing"

    def _list(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Newest first, 10 a page unless told otherwise."""
        _known(asked, LIST_FIELDS)
        rows = self.refunds[::-1]
        for field in ("charge", "payment_intent"):
            if field in asked:
                self._payment({field: asked[field]})
                rows = [row for row in rows if row[field] == asked[field]]
        for bound, seconds in asked.get("created", {}).items():
            rows = [row for row in rows if COMPARED[bound](row["created"], int(seconds))]
        if after := asked.get("starting_after"):
            rows = rows[[row["id"] for row in rows].index(after) + 1 :]
        limit = int(asked.get("limit", 10))
        if not 1 <= limit <= 100:
            raise Refused(400, "parameter_invalid_integer", "Lists hold 1 to 100 objects.")
        return {
            "object": "list",
            "url": "/v1/refunds",
            "has_more": len(rows) > limit,
            "data": rows[:limit],
        }

    def _payment(self, asked: dict[str, Any]) -> Payment:
        for payment in self.payments:
            if payment.charge == asked.get("charge") or (
                payment.intent and payment.intent == asked.get("payment_intent")
            ):
                return payment
        field = "charge" if "charge" in asked else "payment_intent"
        raise Refused(404, "resource_missing", f"No such {field}: '{asked.get(field)}'")

    def _numbered(self, number: str) -> list[dict[str, Any]]:
        self._settle()
        return [r for r in self.refunds if r["metadata"].get("recourse_transfer") == number]

    def _move(self, money: Money) -> str:
        self.moves.append((self._id("txn"), money))
        return self.moves[-1][0]

    def _id(self, prefix: str) -> str:
        return f"{prefix}_{next(self._serial):08}"

    def _seconds(self) -> int:
        return int(self.now().timestamp())


def _json(answer: Mapping[str, Any], status: int = 200) -> Response:
    headers = {"Content-Type": "application/json", "Request-Id": "req_local"}
    return Response(status, headers, json.dumps(answer).encode())


def _nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`metadata[a]=1` is {"metadata": {"a": "1"}}."""
    asked: dict[str, Any] = {}
    for name, value in pairs:
        outer, _, inner = name.partition("[")
        if inner:
            asked.setdefault(outer, {})[inner.removesuffix("]")] = value
        else:
            asked[outer] = value
    return asked


def _known(asked: Mapping[str, Any], fields: set[str]) -> None:
    if unknown := asked.keys() - fields:
        raise Refused(400, "parameter_unknown", f"Received unknown parameter: {min(unknown)}")


def _found(rows: Sequence[dict[str, Any]], kind: str, no: str) -> dict[str, Any]:
    if not rows:
        raise Refused(404, "resource_missing", f"No such {kind}: '{no}'")
    return rows[0]


def _minus(money: Money, fee: int = 0) -> Money:
    return Money(-money.amount - fee, money.currency)


def _iso(record: Mapping[str, Any]) -> str:
    return str(record["currency"]).upper()
