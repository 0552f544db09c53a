"""What axes' lock looks like to the pages people sign in on."""

from axes.helpers import get_cool_off
from django.http import HttpRequest


def locked_for(request: HttpRequest) -> int:
    """Minutes this person must wait; 0 where axes locks nobody out.

    The lock holds; taking the mark off lets a page of ours say so instead of axes' bare one.
    """
    if not getattr(request, "axes_locked_out", False):
        return 0
    del request.axes_locked_out  # type: ignore[attr-defined]
    return int(get_cool_off().total_seconds() // 60)
