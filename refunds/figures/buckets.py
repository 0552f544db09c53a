"""Durations as a histogram, so that the median of any range is read from sums.

Bounds are fixed and a fourth of a doubling apart, from one second to 777 days. A quantile is given as the middle of its
bucket, on the same scale: it errs by an eighth of a doubling at most, 9 %.
"""

from collections.abc import Mapping
from datetime import timedelta

PER_DOUBLING = 4
BOUNDS = tuple(2 ** (step / PER_DOUBLING) for step in range(26 * PER_DOUBLING + 1))  # seconds
ERROR = 2 ** (0.5 / PER_DOUBLING) - 1


def quantile(counts: Mapping[int, int], part: float) -> timedelta | None:
    """How long the case took that stands at `part` (0.5 the median) of all; None where there is none.

    `counts` is cases by bucket: bucket n is from the n-th bound (counted from one) to before the next.
    """
    rank, passed = part * sum(counts.values()), 0
    for bucket in sorted(counts):
        passed += counts[bucket]
        if passed >= rank and passed:
            return timedelta(seconds=_middle(bucket))
    return None


def _middle(bucket: int) -> float:
    """Of bucket 0, which is under a second, and of the last, which has no end, the bound they have."""
    if bucket in (0, len(BOUNDS)):
        return BOUNDS[max(bucket - 1, 0)]
    return float((BOUNDS[bucket - 1] * BOUNDS[bucket]) ** 0.5)
