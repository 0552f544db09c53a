"""A refund request, its history, what was decided and said, and the rules it was judged by."""

from .appeals import Appeal
from .backtests import BacktestFlip, BacktestPart, BacktestRun, DraftTested
from .case_files import CaseFileMade
from .deadlines import CalendarDay, Deadline, Extension, Outage, Peak
from .decisions import Decision, Proposal
from .demands import EvidenceDemand
from .drafts import PolicyDraft
from .evidence import Evidence, PendingFile
from .figures import (
    CaseFigure,
    ClockFigure,
    FigureMark,
    MoneyFigure,
    OverturnFigure,
    ReviewerFigure,
    SalesFigure,
    SellerFigure,
    TimeFigure,
)
from .flags import Flag
from .holds import Hold
from .judgements import CaseWords, Judgement
from .messages import Message
from .offers import Offer, OfferAnswer, OfferedUnit, OfferKind, SealedOffer
from .panels import PanelMember, Vote
from .policies import PolicyVersion
from .provider_checks import ProviderAnswer, ProviderCheck
from .requests import RefundItem, RefundRequest, Transition

__all__ = [
    "Appeal",
    "BacktestFlip",
    "BacktestPart",
    "BacktestRun",
    "CalendarDay",
    "CaseFigure",
    "CaseFileMade",
    "CaseWords",
    "ClockFigure",
    "Deadline",
    "Decision",
    "DraftTested",
    "Evidence",
    "EvidenceDemand",
    "Extension",
    "FigureMark",
    "Flag",
    "Hold",
    "Judgement",
    "Message",
    "MoneyFigure",
    "Offer",
    "OfferAnswer",
    "OfferKind",
    "OfferedUnit",
    "Outage",
    "OverturnFigure",
    "PanelMember",
    "Peak",
    "PendingFile",
    "PolicyDraft",
    "PolicyVersion",
    "Proposal",
    "ProviderAnswer",
    "ProviderCheck",
    "RefundItem",
    "RefundRequest",
    "ReviewerFigure",
    "SalesFigure",
    "SealedOffer",
    "SellerFigure",
    "TimeFigure",
    "Transition",
    "Vote",
]
