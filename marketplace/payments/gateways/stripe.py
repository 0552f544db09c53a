"""Stripe, through its own client (stripe 16), with disputes.

What Stripe does that the payer has to know (docs.stripe.com/api/idempotent_requests, /error-low-level, /refunds):

- The first answer under an idempotency key is kept for at least 24 hours and comes again, a 500 included; later the
  key may be forgotten, and the same call would pay anew. So `refund` must not be called later than 24 hours after
  its first call. A 500 says neither that it happened nor that it did not, and no later call under its key says more:
  such a refund ends with a person when the payer gives up. A new key after a 500 might pay twice.
- `query` needs no key: it reads the payment's refunds and finds ours by the number in its metadata, at any age.
- A refund that succeeded can still fail, weeks later (a closed card). Stripe then puts the money back into our
  balance there (failure_balance_transaction), so that is REFUSED and never ABNORMAL: nothing is stuck at the channel.
- Without enough balance Stripe takes the refund and leaves it pending until we top up; that is PENDING with
  `insufficient_funds` as its code. Only some accounts get the error `balance_insufficient` instead, which is TOP_UP.

Amounts are Stripe's minor units, which are ISO's for all our currencies: JPY, KRW and VND have none, TWD has two (it
is only paid out to us in whole dollars). KWD has three, and Stripe takes only amounts whose last digit is 0: it
refuses any other, and a person hears Stripe's words.

`channel_no` in notices, entries and disputes is the payment intent where there is one, else the charge.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

import stripe
from django.conf import settings
from stripe.params import RefundCreateParams, RefundListParams, RefundListParamsCreated

from marketplace.kernel.businesstime import SHANGHAI
from marketplace.kernel.money import Money

from .base import (
    Acknowledgement,
    BadNotification,
    ChannelUnreachable,
    Dispute,
    Entry,
    Instruction,
    NoGateway,
    Notice,
    Result,
    Status,
    Subject,
)

# The client would otherwise report its timings and our platform, and keep an id in a file of the home directory.
stripe.enable_telemetry = False

NUMBER = "recourse_transfer"  # the metadata field that carries our number
SECONDS_OFF = 300  # how old, or how far ahead, a notification may be
PAGE = 100  # the most that Stripe lists at once
MOST_KEYS = 60  # more than a day of tries that each found too little balance

STATUSES = {
    "pending": Status.PENDING,
    "requires_action": Status.PENDING,  # the buyer is asked for an account; unanswered, it fails
    "succeeded": Status.SUCCEEDED,
    "failed": Status.REFUSED,
    "canceled": Status.REFUSED,
}

# Every error that is an answer. Any other (no connection, 5xx, 409 while the first call still runs, an unreadable
# body) leaves open what happened: ChannelUnreachable.
ERRORS: dict[type[stripe.StripeError], Status] = {
    stripe.RateLimitError: Status.RETRY,  # counted before anything runs, and not kept under the key
    stripe.IdempotencyError: Status.PERSON,  # our number with other parameters: a mistake of ours
    stripe.AuthenticationError: Status.PERSON,
    stripe.PermissionError: Status.PERSON,
    # Already refunded, more than is left, disputed, no such payment: Stripe's books and ours disagree about this
    # payment. Not REFUSED, for the buyer may have had the money already and a payout by hand would be the second.
    stripe.InvalidRequestError: Status.PERSON,
    stripe.CardError: Status.PERSON,
}
TOP_UP = "balance_insufficient"  # the one code that says more than its error's class

REFUND_EVENTS = {"refund.created", "refund.updated", "refund.failed", "charge.refund.updated"}
DISPUTE_EVENTS = "charge.dispute."

# Any other status, a newer one included, is "open": never final for us before we know what it means.
DISPUTE_STATUSES = {"won": "won", "warning_closed": "won", "lost": "lost"}
# `prevented` has two kinds: a dispute that was kept away, and one that ended with the buyer's money back.
PREVENTED = {"block": "won", "resolution": "lost"}


class Stripe:
    acknowledgement = Acknowledgement(200, "text/plain", b"")  # Stripe looks at the status alone

    def __init__(self) -> None:
        keys = settings.STRIPE
        missing = [f"STRIPE_{name.upper()}" for name in ("api_key", "webhook_secret") if not keys[name]]
        if missing:
            raise NoGateway(f"stripe: {', '.join(missing)} not set")
        self._secret: str = keys["webhook_secret"]
        self._client = stripe.StripeClient(
            keys["api_key"],
            base_addresses={"api": keys["url"]},
            http_client=stripe.RequestsClient(timeout=settings.CHANNEL_TIMEOUT_SECONDS),
            max_network_retries=0,  # the payer retries, after a query
        )

    def refund(self, instruction: Instruction) -> Result:
        with _answering():
            try:
                refund = self._create(instruction)
                if _is_replayed(refund.last_response):  # it tells how things stood at the first call
                    refund = self._client.v1.refunds.retrieve(refund.id)
            except stripe.StripeError as error:
                return _failure(error)
            return _read(refund, instruction)

    def query(self, instruction: Instruction) -> Result:
        params: RefundListParams = {"limit": PAGE}
        params[_payment(instruction.channel_no)] = instruction.channel_no
        with _answering():
            try:
                for refund in _all(self._client.v1.refunds.list(params)):
                    if _number(refund) == instruction.number:
                        return _read(refund, instruction)
            except stripe.StripeError as error:
                return _failure(error)
            return Result(Status.UNKNOWN)

    def parse(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        self._verify(headers.get("Stripe-Signature") or "", body, now)
        try:
            event = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise BadNotification("malformed", "not JSON") from error
        return _notice(event)

    def statement(self, day: date) -> Sequence[Entry]:
        """Oldest first. `created` places a refund in its day; its status is today's, not that day's."""
        start = datetime.combine(day, time.min, SHANGHAI)
        end = start + timedelta(days=1)
        created: RefundListParamsCreated = {"gte": int(start.timestamp()), "lt": int(end.timestamp())}
        with _answering():
            refunds = self._client.v1.refunds.list({"created": created, "limit": PAGE})
            return [_entry(refund) for refund in _all(refunds)][::-1]

    def dispute(self, dispute_no: str) -> Dispute:
        with _answering():
            return _dispute(self._client.v1.disputes.retrieve(dispute_no))

    def _create(self, instruction: Instruction) -> stripe.Refund:
        """Ask under our number as the key, or the next key where that one is spent.

        A key whose kept answer is "too little balance" will never pay, so after a top-up the next one may. Every
        call walks the same keys from the first, so two calls at once meet at the same one. No other error is left
        behind this way: see the top of this file.
        """
        params: RefundCreateParams = {
            "amount": instruction.money.amount,
            "metadata": {NUMBER: instruction.number},
        }
        params[_payment(instruction.channel_no)] = instruction.channel_no
        turn = 1
        while True:
            key = instruction.number if turn == 1 else f"{instruction.number}:{turn}"
            try:
                return self._client.v1.refunds.create(params, {"idempotency_key": key})
            except stripe.InvalidRequestError as error:
                if error.code != TOP_UP or not _is_replayed(error) or turn == MOST_KEYS:
                    raise
            turn += 1

    def _verify(self, header: str, body: bytes, now: datetime) -> None:
        # The client compares against its own clock, and only backwards; and it cannot compare other characters.
        times = [
            value for name, _, value in (part.partition("=") for part in header.split(",")) if name == "t"
        ]
        if not header.isascii() or len(times) != 1 or not times[0].isdecimal():
            raise BadNotification("signature", "no Stripe-Signature with one time")
        try:
            stripe.WebhookSignature.verify_header(body, header, self._secret)
        except UnicodeDecodeError as error:
            raise BadNotification("malformed", "not UTF-8") from error
        except stripe.SignatureVerificationError as error:
            raise BadNotification("signature", str(error)) from error
        if abs(int(now.timestamp()) - int(times[0])) > SECONDS_OFF:
            raise BadNotification("stale", f"signed at {times[0]}")


@contextmanager
def _answering() -> Iterator[None]:
    """An error that is no answer, and an answer that cannot be read, both leave open what happened."""
    try:
        yield
    except stripe.StripeError as error:
        raise ChannelUnreachable(str(error)) from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise ChannelUnreachable(f"Stripe's answer cannot be read: {error!r}") from error


def _all(answer: object) -> Iterator[stripe.Refund]:
    """Every page, newest first. Any other object than a list would ask Stripe anew, without our key."""
    if not isinstance(answer, stripe.ListObject):
        raise TypeError("no list")
    return iter(answer.auto_paging_iter())


def _failure(error: stripe.StripeError) -> Result:
    """Raises the error again where it is no answer."""
    status = ERRORS.get(type(error))
    if status is None:
        raise error
    code = getattr(error.error, "code", None) or getattr(error.error, "type", None) or type(error).__name__
    return Result(Status.TOP_UP if code == TOP_UP else status, error_code=str(code), error_detail=str(error))


def _is_replayed(answer: Any) -> bool:
    """Whether Stripe repeated what it had answered to the first call under this key; of a response or an error."""
    return answer.headers.get("Idempotent-Replayed") == "true"  # type: ignore[no-any-return]


def _payment(channel_no: str) -> Literal["payment_intent", "charge"]:
    """A payment is known by its intent or, where it has none, by its charge (ch_, py_)."""
    return "payment_intent" if channel_no.startswith("pi_") else "charge"


def _read(refund: stripe.Refund, instruction: Instruction) -> Result:
    money = _money(refund)
    if money != instruction.money:
        # Stripe is told no currency: a payment booked under a wrong one shows itself here.
        detail = f"The refund of this number at Stripe is {money.amount} {money.currency}."
        return Result(Status.PERSON, refund.id, "other_money", detail)
    status = STATUSES.get(refund.status or "", Status.PENDING)
    code = ""
    if status is Status.REFUSED:
        code = getattr(refund, "failure_reason", None) or refund.status or ""
    elif status is Status.PENDING:
        code = getattr(refund, "pending_reason", None) or ""
    return Result(status, refund.id, code)


def _entry(refund: stripe.Refund) -> Entry:
    return Entry(
        number=_number(refund),
        channel_refund_no=refund.id,
        channel_no=_no(refund.payment_intent) or _no(refund.charge),
        money=_money(refund),
        status=STATUSES.get(refund.status or "", Status.PENDING),
        at=datetime.fromtimestamp(refund.created, UTC),
    )


def _dispute(dispute: stripe.Dispute) -> Dispute:
    status = DISPUTE_STATUSES.get(dispute.status, "open")
    if dispute.status == "prevented":
        card = getattr(dispute.payment_method_details, "card", None)
        status = PREVENTED.get(getattr(card, "case_type", ""), "open")
    due_by = dispute.evidence_details.due_by  # 0: the bank hears no answer
    return Dispute(
        dispute_no=dispute.id,
        channel_no=_no(dispute.payment_intent) or _no(dispute.charge),
        money=_money(dispute),
        status=status,
        reason=dispute.reason,
        opened_at=datetime.fromtimestamp(dispute.created, UTC),
        due_at=datetime.fromtimestamp(due_by, UTC) if due_by else None,
        is_taken=not dispute.status.startswith("warning"),  # an inquiry: the bank asks, and has taken nothing
    )


def _notice(event: Any) -> Notice:
    match event:
        case {"id": str(event_id), "type": str(kind)} if event_id:
            pass
        case _:
            raise BadNotification("malformed", "no event")
    if kind not in REFUND_EVENTS and kind != "charge.refunded" and not kind.startswith(DISPUTE_EVENTS):
        return Notice(event_id, Subject.OTHER)
    match event:
        case {"data": {"object": {"id": str(no), **about}}} if no:
            pass
        case _:
            raise BadNotification("malformed", f"{kind} without its object")
    payment = _no(about.get("payment_intent")) or _no(about.get("charge"))
    if kind == "charge.refunded":  # it shows the payment and not the refund, which has its own event
        return Notice(event_id, Subject.REFUND, channel_no=payment or no)
    if kind in REFUND_EVENTS:
        metadata = about.get("metadata")
        number = _no(metadata.get(NUMBER)) if isinstance(metadata, dict) else ""
        return Notice(event_id, Subject.REFUND, refund_number=number, channel_no=payment)
    return Notice(event_id, Subject.DISPUTE, dispute_no=no, channel_no=payment)


def _number(refund: stripe.Refund) -> str:
    return refund.metadata[NUMBER] if refund.metadata and NUMBER in refund.metadata else ""


def _no(value: object) -> str:
    """A number of Stripe's; "" for null. We never ask for the whole object in its place."""
    return value if isinstance(value, str) else ""


def _money(record: stripe.Refund | stripe.Dispute) -> Money:
    return Money(record.amount, record.currency.upper())
