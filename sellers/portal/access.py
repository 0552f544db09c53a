"""Who may enter: people with a membership, each into the cases of their own seller."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.functional import SimpleLazyObject
from django.views.decorators.cache import never_cache

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound
from marketplace.notices.queries import COUNT_TO, unread_count
from marketplace.notices.topics import RecipientKind
from sellers.models import Membership

View = Callable[Concatenate[HttpRequest, Membership, ...], HttpResponseBase]


def for_member(view: View) -> Callable[..., HttpResponseBase]:
    """Give the view its reader's membership; others are sent to sign in, or told why they cannot enter.

    NotFound becomes the portal's 404 page, the same for a case of another seller and for one that never was.
    """

    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not isinstance(request.user, User):
            return redirect_to_login(request.get_full_path())
        membership = membership_of(request.user)
        if membership is None:
            return no_seller(request)
        request.bell = SimpleLazyObject(lambda: bell(membership))  # type: ignore[attr-defined]  # of base.html
        try:
            return view(request, membership, *args, **kwargs)
        except NotFound:
            return render(request, "portal/not_found.html", {"membership": membership}, status=404)

    return guarded


def membership_of(user: User) -> Membership | None:
    return Membership.objects.select_related("seller", "user").filter(user_id=user.pk).first()


def no_seller(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/no_seller.html", status=403)


def bell(membership: Membership) -> str:
    """How many notices are unread, as shown: "", "7", "99+"."""
    count = unread_count(RecipientKind.SELLER, membership.seller_id)
    return f"{COUNT_TO}+" if count > COUNT_TO else str(count or "")
