"""A refund request, its history, what was decided and said, and the rules it was judged by."""

from .appeals import Appeal
from .decisions import Decision, Proposal
from .demands import EvidenceDemand
from .evidence import Evidence, EvidenceView, PendingFile
from .flags import Flag
from .judgements import CaseWords, Judgement
from .messages import Message
from .panels import PanelMember, Vote
from .policies import PolicyVersion
from .provider_checks import ProviderAnswer, ProviderCheck
from .requests import RefundItem, RefundRequest, Transition

__all__ = [
    "Appeal",
    "CaseWords",
    "Decision",
    "Evidence",
    "EvidenceDemand",
    "EvidenceView",
    "Flag",
    "Judgement",
    "Message",
    "PanelMember",
    "PendingFile",
    "PolicyVersion",
    "Proposal",
    "ProviderAnswer",
    "ProviderCheck",
    "RefundItem",
    "RefundRequest",
    "Transition",
    "Vote",
]
