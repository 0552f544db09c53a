"""A refund request, its history, what was decided and said, and the rules it was judged by."""

from .case_files import CaseFileMade
from .decisions import Decision, Proposal
from .evidence import Evidence, EvidenceView, PendingFile
from .flags import Flag
from .judgements import CaseWords, Judgement
from .messages import Message
from .policies import PolicyVersion
from .provider_checks import ProviderAnswer, ProviderCheck
from .requests import RefundItem, RefundRequest, Transition

__all__ = [
    "CaseFileMade",
    "CaseWords",
    "Decision",
    "Evidence",
    "EvidenceView",
    "Flag",
    "Judgement",
    "Message",
    "PendingFile",
    "PolicyVersion",
    "Proposal",
    "ProviderAnswer",
    "ProviderCheck",
    "RefundItem",
    "RefundRequest",
    "Transition",
]
