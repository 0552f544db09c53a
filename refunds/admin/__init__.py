"""The staff desk: queues, the case page, pages of rows that people act on (record.py), policies.

Interfaces only; the verbs are in operations.
"""

from .appeals import AppealAdmin
from .breaks import BreakAdmin, NotificationAdmin, ReconciliationAdmin
from .bulk import BulkRunAdmin
from .buyers import BuyerAdmin
from .disputes import DisputeAdmin
from .drafts import PolicyDraftAdmin
from .exports import ListExportAdmin
from .figures import FiguresAdmin
from .funds import SellerFundsAdmin, SettlementAdmin
from .imports import FileImportAdmin
from .kept import DeadlineAdmin
from .known_answers import KnownAnswerAdmin
from .lab import BacktestRunAdmin
from .notices import DeliveryAdmin, EndpointAdmin, NoticeAdmin
from .outages import OutageAdmin
from .payouts import PayoutAdmin
from .policies import PolicyVersionAdmin
from .queue import RefundRequestAdmin
from .reviewers import ReviewerFiguresAdmin
from .saved_views import SavedViewAdmin
from .timetable import CalendarDayAdmin, PeakAdmin
from .transfers import TransferAdmin
from .users import UserAdmin
from .withdrawals import WithdrawalAdmin

__all__ = [
    "AppealAdmin",
    "BacktestRunAdmin",
    "BreakAdmin",
    "BulkRunAdmin",
    "BuyerAdmin",
    "CalendarDayAdmin",
    "DeadlineAdmin",
    "DeliveryAdmin",
    "DisputeAdmin",
    "EndpointAdmin",
    "FiguresAdmin",
    "FileImportAdmin",
    "KnownAnswerAdmin",
    "ListExportAdmin",
    "NoticeAdmin",
    "NotificationAdmin",
    "OutageAdmin",
    "PayoutAdmin",
    "PeakAdmin",
    "PolicyDraftAdmin",
    "PolicyVersionAdmin",
    "ReconciliationAdmin",
    "RefundRequestAdmin",
    "ReviewerFiguresAdmin",
    "SavedViewAdmin",
    "SellerFundsAdmin",
    "SettlementAdmin",
    "TransferAdmin",
    "UserAdmin",
    "WithdrawalAdmin",
]
