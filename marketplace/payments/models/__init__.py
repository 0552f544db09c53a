"""Money in, what is spoken for of it, money out, and what the channels say about it."""

from .captures import Capture, Claim
from .channel_news import Break, BreakKind, Notification, NotificationState, Reconciliation
from .settlement import Settlement, Withdrawal, WithdrawalState
from .transfers import Payout, SandboxRefund, Transfer, TransferState

__all__ = [
    "Break",
    "BreakKind",
    "Capture",
    "Claim",
    "Notification",
    "NotificationState",
    "Payout",
    "Reconciliation",
    "SandboxRefund",
    "Settlement",
    "Transfer",
    "TransferState",
    "Withdrawal",
    "WithdrawalState",
]
