"""Examples for the API document: bodies, answers, and the refusals a buyer's call may meet."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

from marketplace.kernel.schema import Named
from marketplace.payments.operations.reserve import NotEnoughCaptured

from ..operations import (
    appeal,
    appealed,
    approve,
    disputed,
    file,
    give_evidence,
    make_case_file,
    refused_files,
    respond_offer,
    resubmit,
    say,
    seal_offer,
)
from ..policies import NoPolicy
from ..policy import EVIDENCE_KINDS
from ..transitions import InvalidTransition, OpenRequestExists

ORDER, NUMBER = "RO261120K7M2Q9XA", "RF261120P3H8W2LC"


def _answer(name: str, value: Any, *statuses: str) -> OpenApiExample:
    return OpenApiExample(name, value, response_only=True, status_codes=statuses or ["200", "201"])


NOTHING = OpenApiExample("Nothing to say", {}, request_only=True)
FILING = [
    OpenApiExample(
        "Not delivered",
        {
            "order": ORDER,
            "reason": "not_delivered",
            "description": "充值一小时未到账",
            "remedy": "refund",
        },
        request_only=True,
    ),
    OpenApiExample(
        "One unit of several, filed when allowed",
        {
            "order": ORDER,
            "reason": "not_delivered",
            "units": ["2"],
            "amount": {"amount": 4900, "currency": "CNY"},
            "file_when_allowed": True,
        },
        request_only=True,
    ),
]
MESSAGE = [OpenApiExample("Answer", {"text": "The code shows “already used”."}, request_only=True)]
APPEAL = [
    OpenApiExample(
        "Against a rejection",
        {"clauses": ["B6", "A3"], "text": "The log shows no use."},
        request_only=True,
    )
]
RESPOND = [OpenApiExample("Accept", {"accept": True}, request_only=True)]
SEALED = [
    OpenApiExample("At least 30.00", {"amount": {"amount": 3000, "currency": "CNY"}}, request_only=True)
]
WITHDRAWAL = [OpenApiExample("With a word", {"note": "It arrived after all."}, request_only=True)]
RESUBMISSION = [OpenApiExample("With a word", {"note": "See the provider's statement."}, request_only=True)]

WINDOW = {
    "rule": "window",
    "result": "met",
    "clause": "B6",
    "facts": {"completed_at": "2026-11-20T09:31:00+08:00", "closes_at": "2026-12-05T09:31:00+08:00"},
    "text": "The time to ask for a refund runs until 5 December 2026, 09:31 Beijing time.",
}
ARRIVAL = {
    "rule": "arrival_wait",
    "result": "unmet",
    "clause": "B7",
    "facts": {"channel": "alipay", "may_file_at": "2026-11-20T09:45:00+08:00"},
    "text": "A payment by Alipay may take until 20 November 2026, 09:45 Beijing time to arrive.",
}
FINDINGS: dict[str, Any] = {"outcome": "ask_seller", "findings": [WINDOW], "would_change": []}
_TOO_EARLY = {
    "may_file_at": "2026-11-20T09:45:00+08:00",
    "outcome": "wait",
    "findings": [ARRIVAL],
    "would_change": [],
}

UNITS_HELD = (OpenRequestExists, {"number": NUMBER})
UNKNOWN_UNIT = (file.UnknownUnit, {"pointer": "/units", "unknown": ["9"], "units": ["1", "2"]})
NO_LONGER = (InvalidTransition, {"from": "refunded", "to": "manual_review", "allowed": []})
WRONG_MOVE = (InvalidTransition, {"from": "refunded", "to": "withdrawn", "allowed": []})
FILING_REFUSED: tuple[Named, ...] = (
    UNITS_HELD,
    UNKNOWN_UNIT,
    (file.WrongCurrency, {"pointer": "/amount/currency", "currency": "CNY"}),
    (file.TooEarly, _TOO_EARLY),
    (file.NotRefundable, {**FINDINGS, "outcome": "reject"}),
    NoPolicy,
)
RESUBMIT_REFUSED: tuple[Named, ...] = (
    UNITS_HELD,
    NoPolicy,
    resubmit.RulingIsFinal,
    (resubmit.NoNewEvidence, {"rejected_at": "2026-11-20T12:00:00+08:00"}),
    (resubmit.WindowClosed, {"closes_at": "2026-12-05T09:31:00+08:00"}),
)
FILE_REFUSED: tuple[Named, ...] = (
    (give_evidence.UnknownKind, {"pointer": "/kind", "kinds": list(EVIDENCE_KINDS)}),
    (give_evidence.NoteTooLong, {"pointer": "/note"}),
    (say.CardNumber, {"pointer": "/note"}),
    (give_evidence.CaseClosed, {"state": "refunded"}),
    (give_evidence.TooManyFiles, {"at_most": 20}),
    (give_evidence.AlreadyGiven, {"pointer": "/file"}),
    (give_evidence.UploadLost, {"pointer": "/file"}),
    *((refusal, {"pointer": "/file"}) for refusal in refused_files.REFUSALS.values()),
)
_HELD = {"dispute": "DP261120C5J7T2WA", "amount": 3000, "available": 0}
OFFER_REFUSED: tuple[Named, ...] = (
    NO_LONGER,
    respond_offer.NoOffer,
    approve.UnitReplaced,
    (disputed.DisputeOpen, _HELD),
    (NotEnoughCaptured, {"amount": 3000, "available": 0}),
)
SEALED_REFUSED: tuple[Named, ...] = (
    NO_LONGER,
    (file.WrongCurrency, {"pointer": "/amount/currency", "currency": "CNY"}),
    (approve.AmountOutOfRange, {"field": "amount", "at_most": 9900}),
    seal_offer.SealedAlready,
    seal_offer.NothingToSettleWith,
    approve.UnitReplaced,
)
APPEAL_REFUSED: tuple[Named, ...] = (
    NO_LONGER,
    (appeal.ClausesNeeded, {"pointer": "/clauses"}),
    (appeal.GroundsNeeded, {"pointer": "/text"}),
    (say.CardNumber, {"pointer": "/text"}),
    appealed.AlreadyAppealed,
    (appealed.DecidedByTheMachine, {"instead": "request-person"}),
    resubmit.RulingIsFinal,
    (appealed.AppealWindowClosed, {"closes_at": "2026-12-05T09:31:00+08:00"}),
)
CASE_FILE_REFUSED: tuple[Named, ...] = (
    (make_case_file.CaseFileTooLarge, {"size": 325058560, "limit": 314572800}),
    (make_case_file.TooManyCaseFiles, {"limit": 20}),
)

_DELIVERY = {"event": "file", "from": None, "to": "submitted", "by": "buyer", "clause": "", "note": ""}
_FILED: dict[str, Any] = {
    "number": NUMBER,
    "order": ORDER,
    "reason": "not_delivered",
    "remedy": "refund",
    "description": "充值一小时未到账",
    "units": ["1"],
    "amount": {"amount": 9900, "currency": "CNY"},
    "approved_amount": None,
    "state": "submitted",
    "channel": "api",
    "filed_at": "2026-11-20T10:31:00+08:00",
    "decision": None,
    "judgement": None,
    "deadlines": [],
    "timeline": [{"at": "2026-11-20T10:31:00+08:00", **_DELIVERY}],
    "messages": [],
    "evidence": [],
    "evidence_needed": [],
    "offer": None,
    "sealed_offers": {"buyer": False, "seller": False, "result": None},
    "evidence_asked": None,
    "appeal": None,
    "refund": None,
}
_DECISION = {
    "outcome": "ask_seller",
    "amount": {"amount": 9900, "currency": "CNY"},
    "policy": "card_code@1",
    "at": "2026-11-20T10:31:01+08:00",
    "findings": [WINDOW],
    "would_change": [],
}
_WITH_SELLER: dict[str, Any] = {
    **_FILED,
    "state": "awaiting_seller",
    "decision": _DECISION,
    "deadlines": [
        {
            "kind": "seller_reply",
            "started_at": "2026-11-20T10:31:01+08:00",
            "due_at": "2026-11-22T10:31:01+08:00",
        }
    ],
}
_CASE: dict[str, Any] = {
    **_FILED,
    "approved_amount": {"amount": 9900, "currency": "CNY"},
    "state": "refunding",
    "decision": _DECISION,
    "timeline": [
        *_FILED["timeline"],
        {
            "at": "2026-11-20T11:02:00+08:00",
            "event": "agree",
            "from": "awaiting_seller",
            "to": "approved",
            "by": "seller",
            "clause": "",
            "note": "Sorry for that.",
        },
    ],
    "messages": [{"by": "seller", "text": "We look into it.", "at": "2026-11-20T10:50:00+08:00"}],
    "evidence": [
        {
            "id": 1,
            "kind": "error_screen",
            "by": "buyer",
            "name": "screen.png",
            "note": "",
            "media_type": "image/png",
            "size": 48211,
            "sha256": "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
            "original_sha256": "9d4e1e23bd5b727046a9e3b4b7db57bd8d6ee684b1c5fd5e8f5a1c4f6f2f6b1d",
            "at": "2026-11-20T10:32:00+08:00",
            "url": "/evidence/WzEsImIiLDEsMCwxNzk1MTY2NzAwXQ:1vMk/",
        }
    ],
    "evidence_needed": [{"kind": "error_screen", "satisfied": True}],
    "refund": {
        "state": "pending",
        "waiting_for": None,
        "fx_rate": None,
        "channel": "alipay",
        "expected_by": "2026-11-21T11:02:00+08:00",
        "transfers": [
            {
                "number": "TR261120B6N4D8YE",
                "state": "pending",
                "channel": "alipay",
                "amount": {"amount": 9900, "currency": "CNY"},
                "settled_at": None,
            }
        ],
    },
}
CASE = _answer("On its way back", _CASE)
CHANGED = _answer("As it is now", _WITH_SELLER)
_PART: dict[str, Any] = {
    "kind": "partial",
    "amount": {"amount": 4000, "currency": "CNY"},
    "promised_for": None,
    "note": "One of the two was used.",
    "at": "2026-11-20T11:02:00+08:00",
    "state": "accepted",
    "units": [],
}
ACCEPTED = _answer(
    "A part accepted",
    {
        **_FILED,
        "state": "approved",
        "decision": _DECISION,
        "approved_amount": {"amount": 4000, "currency": "CNY"},
        "offer": _PART,
    },
)
SEALED_ALONE = _answer(
    "Made, and the seller has made none",
    {**_WITH_SELLER, "sealed_offers": {"buyer": True, "seller": False, "result": None}},
)
APPEALED = _answer(
    "Waits for a supervisor",
    {
        **_FILED,
        "state": "rejected",
        "decision": {**_DECISION, "outcome": "review"},
        "judgement": {
            "outcome": "reject",
            "amount": {"amount": 0, "currency": "CNY"},
            "fault": "buyer",
            "fault_shares": None,
            "clause": "A3",
            "note": "The code was redeemed.",
            "at": "2026-11-20T12:00:00+08:00",
        },
        "appeal": {
            "clauses": ["B6", "A3"],
            "text": "The log shows no use.",
            "at": "2026-11-20T13:00:00+08:00",
            "due_at": "2026-11-25T13:00:00+08:00",
            "outcome": None,
            "note": None,
            "decided_at": None,
        },
    },
)
ASKED = _answer(
    "Evidence is asked for",
    {
        **_FILED,
        "state": "awaiting_evidence",
        "decision": {**_DECISION, "outcome": "review"},
        "deadlines": [
            {
                "kind": "evidence",
                "started_at": "2026-11-20T12:00:00+08:00",
                "due_at": "2026-11-23T12:00:00+08:00",
            }
        ],
        "evidence_asked": {
            "kinds": ["error_screen"],
            "note": "The whole screen, please.",
            "at": "2026-11-20T12:00:00+08:00",
            "due_at": "2026-11-23T12:00:00+08:00",
        },
    },
)
FILED = _answer("Filed", {**_FILED, "description_missing": []})
PREVIEW = _answer(
    "The seller would be asked",
    {
        "outcome": "ask_seller",
        "amount": {"amount": 9900, "currency": "CNY"},
        "one_click": False,
        "findings": [WINDOW],
        "would_change": [],
        "evidence_needed": ["error_screen"],
        "warning": None,
        "description_missing": [],
    },
)
