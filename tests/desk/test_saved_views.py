"""Views of a list under a name: kept, shared, opened where they still fit, started with (requirement K5)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from marketplace.identity.models import SavedView, User
from marketplace.identity.operations import saved_views
from marketplace.identity.roles import Role
from marketplace.kernel.errors import NotFound, NotPermitted
from tests.cases import make_request
from tests.people import Cast

from .conftest import QUEUE, staff

SignIn = Callable[[User], Client]
CASES, VIEWS = "refunds.refundrequest", "/admin/identity/savedview/"
ENGLISH = {"accept-language": "en"}


def kept(
    user: User,
    name: str = "Invalid codes",
    query: str = "queue=review&reason__exact=invalid_code",
    **more: Any,
) -> SavedView:
    return saved_views.keep_view(
        user=user, name=name, list=more.pop("list", CASES), query=query, now=timezone.now(), **more
    )


def opened(client: Client, view: SavedView) -> Any:
    return client.get(f"{VIEWS}{view.pk}/open/", headers=ENGLISH)


def test_view_is_kept_from_the_list_and_shown_above_it(cast: Cast, desk: Client) -> None:
    make_request(cast, state="manual_review")
    page = desk.get(QUEUE, {"queue": "review", "reason__exact": "other", "p": "1"}).content.decode()
    assert 'name="query" value="queue=review&amp;reason__exact=other"' in page
    body = {"list": CASES, "query": "queue=review&reason__exact=other&p=3", "name": " Others "}
    answer = desk.post(f"{VIEWS}add/", body)
    view = SavedView.objects.get()
    assert (view.name, view.query, view.owner) == (
        "Others",
        "queue=review&reason__exact=other",
        cast.reviewer,
    )
    assert answer["Location"] == f"{VIEWS}{view.pk}/open/"
    led = opened(desk, view)
    assert led["Location"] == f"{QUEUE}?queue=review&reason__exact=other"
    page = desk.get(led["Location"]).content.decode()
    assert page.count(f'href="{VIEWS}{view.pk}/open/"') == 2  # the chip and the side bar
    assert 'aria-current="page"' in page.split("desk-views")[1]


def test_view_that_no_longer_fits_says_so_and_shows_the_rest(cast: Cast, desk: Client) -> None:
    case = make_request(cast, state="manual_review")
    query = "queue=gone&reason__exact=invalid_code&colour=red&state__exact=nonsense&q=" + case.number
    view = kept(cast.reviewer, query=query)
    led = opened(desk, view)
    assert led["Location"] == f"{QUEUE}?reason__exact=invalid_code&q={case.number}"
    page = desk.get(led["Location"], headers=ENGLISH).content.decode()
    assert (
        "no longer fits the list and was left out: queue = gone, colour = red, state__exact = nonsense."
        in page
    )
    assert case.number in page


def test_view_reaches_for_nothing_the_list_does_not_filter_by(cast: Cast, desk: Client) -> None:
    """Its parameters are somebody's words: they could ask for more than a person may know."""
    view = kept(cast.reviewer, query="buyer__password__startswith=pbkdf2")
    assert opened(desk, view)["Location"] == f"{QUEUE}?"


@pytest.mark.parametrize(
    ("label", "query"),
    [
        ("orders.order", "goods_type__exact=card_code"),
        ("payments.transfer", "state__exact=manual"),
        (CASES, "queue=overdue&q=RF26"),
    ],
)
def test_view_of_any_list_of_the_table_opens(label: str, query: str, cast: Cast, desk: Client) -> None:
    led = opened(desk, kept(cast.reviewer, list=label, query=query))
    assert led["Location"].endswith(f"?{query}")
    assert desk.get(led["Location"]).status_code == 200


def test_view_of_a_list_that_is_not_ones_own_to_see_is_not_there(cast: Cast, signed_in: SignIn) -> None:
    view = kept(cast.support, list="payments.transfer", query="")
    client = signed_in(cast.support)
    assert opened(client, view)["Location"] == "/admin/?first"
    assert view.name not in client.get(QUEUE).content.decode()


def test_shared_view_is_for_the_role_and_nobody_else(cast: Cast, signed_in: SignIn) -> None:
    view = kept(cast.supervisor, shared_with=Role.REVIEWER)
    assert opened(signed_in(cast.reviewer), view)["Location"].startswith(QUEUE)
    for user in (cast.support, cast.auditor):
        assert opened(signed_in(user), view)["Location"] == "/admin/?first"
    own = kept(cast.reviewer, name="Mine")
    assert opened(signed_in(cast.second_reviewer), own)["Location"] == "/admin/?first"


def test_only_a_supervisor_shares_and_only_the_owner_changes(cast: Cast, desk: Client) -> None:
    with pytest.raises(NotPermitted):
        kept(cast.reviewer, shared_with=Role.REVIEWER)
    view = kept(cast.supervisor, shared_with=Role.REVIEWER)
    with pytest.raises(NotFound):
        saved_views.change_view(user=cast.reviewer, view_id=view.pk, name="Mine now")
    with pytest.raises(NotFound):
        saved_views.delete_view(user=cast.reviewer, view_id=view.pk)
    assert desk.post(f"{VIEWS}{view.pk}/change/", {"move": "rename", "name": "Mine"}).status_code == 403
    assert desk.post(f"{VIEWS}{view.pk}/change/", {"move": "delete"}).status_code == 403
    assert SavedView.objects.get().name == "Invalid codes"


def test_name_is_needed_and_taken_once_by_each_person(cast: Cast, desk: Client) -> None:
    kept(cast.reviewer)
    kept(cast.second_reviewer)
    for name, code in (("", 422), ("Invalid codes", 409)):
        answer = desk.post(
            f"{VIEWS}add/", {"list": CASES, "query": "queue=all", "name": name}, headers=ENGLISH
        )
        assert answer.status_code == code
        assert 'value="queue=all"' in answer.content.decode()
    assert SavedView.objects.count() == 2
    with pytest.raises(IntegrityError, match="saved_view_name_once"), transaction.atomic():
        SavedView.objects.create(
            owner=cast.reviewer, name="Invalid codes", list=CASES, created_at=timezone.now()
        )


def test_twenty_views_and_no_more(cast: Cast) -> None:
    for number in range(saved_views.VIEWS_AT_MOST):
        kept(cast.reviewer, name=f"View {number}")
    with pytest.raises(saved_views.TooManyViews):
        kept(cast.reviewer, name="One more")
    assert SavedView.objects.count() == 20


def test_view_is_renamed_and_deleted_on_its_page(cast: Cast, signed_in: SignIn) -> None:
    client, view = signed_in(cast.supervisor), kept(cast.supervisor)
    page = f"{VIEWS}{view.pk}/change/"
    client.post(page, {"move": "rename", "name": "For all", "shared_with": Role.FINANCE})
    view.refresh_from_db()
    assert (view.name, view.shared_with) == ("For all", Role.FINANCE)
    assert client.post(page, {"move": "delete"})["Location"] == VIEWS
    assert not SavedView.objects.exists()


def test_desk_starts_with_the_chosen_view_until_it_is_gone(cast: Cast, desk: Client) -> None:
    view = kept(cast.reviewer)
    assert desk.get("/admin/").status_code == 200
    desk.post(f"{VIEWS}{view.pk}/change/", {"move": "start"})
    assert desk.get("/admin/")["Location"] == f"{VIEWS}{view.pk}/open/"
    assert desk.get("/admin/?first").status_code == 200
    desk.post(f"{VIEWS}{view.pk}/change/", {"move": "start_at_first_page"})
    assert desk.get("/admin/").status_code == 200
    desk.post(f"{VIEWS}{view.pk}/change/", {"move": "start"})
    saved_views.delete_view(user=cast.reviewer, view_id=view.pk)
    assert desk.get("/admin/").status_code == 200


def test_nobody_starts_with_what_they_do_not_see(cast: Cast) -> None:
    view = kept(cast.supervisor)
    with pytest.raises(NotFound):
        saved_views.start_with(user=cast.reviewer, view_id=view.pk)
    cast.reviewer.refresh_from_db()
    assert cast.reviewer.start_view_id is None


def test_view_no_longer_shared_leads_whoever_starts_with_it_to_the_first_page(
    cast: Cast, desk: Client
) -> None:
    view = kept(cast.supervisor, shared_with=Role.REVIEWER)
    saved_views.start_with(user=cast.reviewer, view_id=view.pk)
    saved_views.change_view(user=cast.supervisor, view_id=view.pk, name=view.name)
    answer = desk.get("/admin/", follow=True)
    assert (answer.status_code, answer.redirect_chain[-1][0]) == (200, "/admin/?first")


def test_person_without_a_role_keeps_none(cast: Cast, signed_in: SignIn) -> None:
    client = signed_in(staff(""))
    assert client.post(f"{VIEWS}add/", {"list": CASES, "query": "", "name": "X"}).status_code == 403
    assert not SavedView.objects.exists()
