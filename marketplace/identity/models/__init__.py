"""Who is who, who sits at the desk, what they did there, and what they keep of its lists."""

from .audit import AuditEntry, AuditKind
from .desk import RecoveryCode, SecondFactor, StaffSession
from .lists import ListExport, SavedView
from .people import PHONE_BACKWARDS, Buyer, BuyerSession, User

__all__ = [
    "PHONE_BACKWARDS",
    "AuditEntry",
    "AuditKind",
    "Buyer",
    "BuyerSession",
    "ListExport",
    "RecoveryCode",
    "SavedView",
    "SecondFactor",
    "StaffSession",
    "User",
]
