"""The rules as everybody reads them: what comes, with its day and what it changes, above what is in force."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from refunds import published
from sellers.models import Membership

from .access import for_member


@for_member
@require_safe
def rules(request: HttpRequest, membership: Membership) -> HttpResponse:
    now = timezone.now()
    found = [published.policy(row["goods_type"], now) for row in published.policies(now)]
    context = {"membership": membership, "rules": found, "coming": [row for row in found if row["next"]]}
    return render(request, "portal/rules.html", context)
