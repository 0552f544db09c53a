"""What every page of the desk and the portal announces."""

from django import template
from django.utils import timezone

from refunds.announcements import Announced
from refunds.announcements import announced as read

register = template.Library()


@register.simple_tag
def announced() -> Announced:
    """{% announced as news %}: news.outage and news.peak, read once for a page."""
    return read(timezone.now())
