"""A refund request, its history, what was decided and said, and the rules it was judged by."""

from .deadlines import CalendarDay, Deadline, Extension, Outage, Peak
from .decisions import Decision, Proposal
from .evidence import Evidence, EvidenceView, PendingFile
from .flags import Flag
from .judgements import CaseWords, Judgement
from .messages import Message
from .offers import Offer, OfferAnswer, OfferedUnit, OfferKind, SealedOffer
from .policies import PolicyVersion
from .provider_checks import ProviderAnswer, ProviderCheck
from .requests import RefundItem, RefundRequest, Transition

__all__ = [
    "CalendarDay",
    "CaseWords",
    "Deadline",
    "Decision",
    "Evidence",
    "EvidenceView",
    "Extension",
    "Flag",
    "Judgement",
    "Message",
    "Offer",
    "OfferAnswer",
    "OfferKind",
    "OfferedUnit",
    "Outage",
    "Peak",
    "PendingFile",
    "PolicyVersion",
    "Proposal",
    "ProviderAnswer",
    "ProviderCheck",
    "RefundItem",
    "RefundRequest",
    "SealedOffer",
    "Transition",
]
