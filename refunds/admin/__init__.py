"""The staff desk: queues, the case page, pages of rows that people act on (record.py), policies.

Interfaces only; the verbs are in operations.
"""

from .appeals import AppealAdmin
from .breaks import BreakAdmin, NotificationAdmin, ReconciliationAdmin
from .buyers import BuyerAdmin
from .disputes import DisputeAdmin
from .drafts import PolicyDraftAdmin
from .figures import FiguresAdmin
from .funds import SellerFundsAdmin, SettlementAdmin
from .kept import DeadlineAdmin
from .lab import BacktestRunAdmin
from .notices import DeliveryAdmin, EndpointAdmin, NoticeAdmin
from .outages import OutageAdmin
from .payouts import PayoutAdmin
from .policies import PolicyVersionAdmin
from .queue import RefundRequestAdmin
from .timetable import CalendarDayAdmin, PeakAdmin
from .transfers import TransferAdmin
from .users import UserAdmin
from .withdrawals import WithdrawalAdmin

__all__ = [
    "AppealAdmin",
    "BacktestRunAdmin",
    "BreakAdmin",
    "BuyerAdmin",
    "CalendarDayAdmin",
    "DeadlineAdmin",
    "DeliveryAdmin",
    "DisputeAdmin",
    "EndpointAdmin",
    "FiguresAdmin",
    "NoticeAdmin",
    "NotificationAdmin",
    "OutageAdmin",
    "PayoutAdmin",
    "PeakAdmin",
    "PolicyDraftAdmin",
    "PolicyVersionAdmin",
    "ReconciliationAdmin",
    "RefundRequestAdmin",
    "SellerFundsAdmin",
    "SettlementAdmin",
    "TransferAdmin",
    "UserAdmin",
    "WithdrawalAdmin",
]
