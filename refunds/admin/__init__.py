"""The staff desk over refunds: queues, the case page, policies. Interfaces only; the verbs are in operations."""

from .policies import PolicyVersionAdmin
from .queue import RefundRequestAdmin

__all__ = ["PolicyVersionAdmin", "RefundRequestAdmin"]
