"""Examples for the API document: bodies, answers, and the refusals a buyer's call may meet."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

from marketplace.kernel.schema import Named

from ..operations import file, give_evidence, refused_files, resubmit, say
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
    "filed_at": "2026-11-20T10:31:00+08:00",
    "decision": None,
    "judgement": None,
    "deadlines": [],
    "timeline": [{"at": "2026-11-20T10:31:00+08:00", **_DELIVERY}],
    "messages": [],
    "evidence": [],
    "evidence_needed": [],
    "refund": None,
}
_CASE: dict[str, Any] = {
    **_FILED,
    "approved_amount": {"amount": 9900, "currency": "CNY"},
    "state": "refunding",
    "decision": {
        "outcome": "ask_seller",
        "amount": {"amount": 9900, "currency": "CNY"},
        "policy": "card_code@1",
        "at": "2026-11-20T10:31:01+08:00",
        "findings": [WINDOW],
        "would_change": [],
    },
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
CHANGED = _answer("As it is now", _FILED)
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
