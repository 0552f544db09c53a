"""Who is who, who sits at the desk, and what they did there."""

from .audit import AuditEntry, AuditKind
from .desk import RecoveryCode, SecondFactor, StaffSession
from .people import PHONE_BACKWARDS, Buyer, BuyerSession, User

__all__ = [
    "PHONE_BACKWARDS",
    "AuditEntry",
    "AuditKind",
    "Buyer",
    "BuyerSession",
    "RecoveryCode",
    "SecondFactor",
    "StaffSession",
    "User",
]
