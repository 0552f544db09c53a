"""Who is who, who sits at the desk, and what they did there."""

from .audit import AuditEntry, AuditKind
from .desk import RecoveryCode, SecondFactor, StaffSession
from .people import Buyer, BuyerSession, User

__all__ = [
    "AuditEntry",
    "AuditKind",
    "Buyer",
    "BuyerSession",
    "RecoveryCode",
    "SecondFactor",
    "StaffSession",
    "User",
]
