"""A refund request, its history, what was decided and said, and the rules it was judged by."""

from .decisions import Decision, Proposal
from .messages import Message
from .policies import PolicyVersion
from .requests import RefundItem, RefundRequest, Transition

__all__ = ["Decision", "Message", "PolicyVersion", "Proposal", "RefundItem", "RefundRequest", "Transition"]
