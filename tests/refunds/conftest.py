"""What the tests of refunds share beside the cast."""

from tests.evidence import evidence_folder

__all__ = ["evidence_folder"]
