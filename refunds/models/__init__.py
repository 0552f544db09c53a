"""A refund request, its history, what was decided and said, and the rules it was judged by."""

from .appeals import Appeal
from .backtests import BacktestFlip, BacktestPart, BacktestRun, DraftTested
from .bulk import BulkMove, BulkOutcome, BulkRow, BulkRun
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
from .imports import FileImport, ImportKind
from .judgements import CaseWords, Judgement
from .messages import Message
from .offers import Offer, OfferAnswer, OfferedUnit, OfferKind, SealedOffer
from .panels import PanelMember, Vote
from .policies import PolicyVersion
from .provider_checks import ProviderAnswer, ProviderCheck
from .requests import RefundItem, RefundRequest, Transition
from .trials import KnownAnswer, Trial, TrialAnswer

__all__ = [
    "Appeal",
    "BacktestFlip",
    "BacktestPart",
    "BacktestRun",
    "BulkMove",
    "BulkOutcome",
    "BulkRow",
    "BulkRun",
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
    "FileImport",
    "Flag",
    "Hold",
    "ImportKind",
    "Judgement",
    "KnownAnswer",
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
    "Trial",
    "TrialAnswer",
    "Vote",
]
