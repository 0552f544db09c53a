"""What was told, what became of it, and the receivers of webhooks, on the desk."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.identity.roles import PERMISSIONS, Role
from marketplace.notices.models import Delivery, Endpoint, Notice
from marketplace.notices.operations import endpoints
from marketplace.notices.topics import RecipientKind
from tests.notices.receivers import told
from tests.people import Cast

from .conftest import staff

SignIn = Callable[[User], Client]
TABLES = ("notice", "delivery", "endpoint")


@pytest.fixture
def made(cast: Cast) -> endpoints.Made:
    """A receiver that refused one message for good."""
    at = timezone.now()
    made = endpoints.add(url="https://hooks.example.com/a", seller_id=cast.seller.pk, now=at)
    told(cast, RecipientKind.SELLER, at, "rejected", clause="B6")
    Delivery.objects.update(state=Delivery.State.DEAD, attempts=10, status=500, error="HTTP 500")
    return made


def page(row: Any) -> str:
    return reverse(f"admin:notices_{row._meta.model_name}_change", args=[row.pk])


@pytest.mark.parametrize("role", Role.values)
def test_who_may_look_and_who_may_act(role: str, made: endpoints.Made, signed_in: SignIn) -> None:
    client, granted = signed_in(staff(role)), PERMISSIONS[role]
    rows = {"notice": Notice.objects.get(), "delivery": Delivery.objects.get(), "endpoint": made.endpoint}
    for table, row in rows.items():
        may_look = f"notices.view_{table}" in granted
        is_hidden = (
            role == Role.ARBITER and table == "notice"
        )  # theirs are their own alone: this one leads to the list
        for path, found in (
            (reverse(f"admin:notices_{table}_changelist"), 200),
            (page(row), 302 if is_hidden else 200),
        ):
            shown = client.get(path)
            assert shown.status_code == (found if may_look else 403), path
            assert made.secret not in shown.content.decode()
    may_act = "notices.change_delivery" in granted
    assert may_act == (role == Role.SUPERVISOR)
    for row, move in ((rows["delivery"], "again"), (rows["endpoint"], "off"), (rows["notice"], "read")):
        answer = client.post(page(row), {"move": move})
        is_hidden = role == Role.ARBITER and move == "read"
        assert answer.status_code == (302 if (may_act and move != "read") or is_hidden else 403), move
    assert (Delivery.objects.get().state == "queued") == may_act
    assert (Endpoint.objects.get().disabled_at is not None) == may_act
    assert Notice.objects.get().read_at is None


def test_arbiter_reads_their_own_notices_and_no_other(
    cast: Cast, made: endpoints.Made, signed_in: SignIn
) -> None:
    arbiter = staff(Role.ARBITER)
    client, others = signed_in(arbiter), Notice.objects.get()
    told(cast, RecipientKind.USER, timezone.now(), "seated")
    own = Notice.objects.exclude(pk=others.pk).get()
    Notice.objects.filter(pk=own.pk).update(recipient_id=arbiter.pk)
    assert client.get(page(own)).status_code == 200
    listed = client.get(reverse("admin:notices_notice_changelist")).content.decode()
    assert own.subject in listed
    assert others.subject not in listed
    for row in (own, others):
        assert client.post(page(row), {"move": "read"}).status_code == 302
    assert set(Notice.objects.exclude(read_at=None)) == {own}


def test_supervisor_sees_what_went_wrong_and_sends_it_again(
    cast: Cast, made: endpoints.Made, signed_in: SignIn
) -> None:
    client, delivery = signed_in(cast.supervisor), Delivery.objects.get()
    listed = client.get(reverse("admin:notices_delivery_changelist")).content.decode()
    assert delivery.notice.subject in listed
    shown = client.get(page(delivery)).content.decode()
    for fact in ("https://hooks.example.com/a", "HTTP 500", "10"):
        assert fact in shown
    assert client.post(page(delivery), {"move": "again"}).status_code == 302
    assert client.post(page(delivery), {"move": "again"}).status_code == 403  # it is on its way
    assert client.post(page(made.endpoint), {"move": "off"}).status_code == 302
    Delivery.objects.update(state=Delivery.State.DEAD)
    assert client.post(page(delivery), {"move": "again"}).status_code == 403  # nobody is there to take it
    assert client.post(page(made.endpoint), {"move": "on"}).status_code == 302
    assert Endpoint.objects.get().disabled_at is None


def test_notice_is_shown_as_its_reader_sees_it_with_its_ways(
    cast: Cast, made: endpoints.Made, signed_in: SignIn
) -> None:
    client = signed_in(cast.support)
    client.cookies["django_language"] = "en"
    notice = Notice.objects.get()
    shown = client.get(page(notice)).content.decode()
    for fact in (f"Refund request {notice.subject} rejected", "Clause: B6.", str(cast.seller), "HTTP 500"):
        assert fact in shown


def test_supervisors_own_notices_are_counted_and_marked_as_read(cast: Cast, signed_in: SignIn) -> None:
    client = signed_in(cast.supervisor)
    notice = told(cast, RecipientKind.USER, timezone.now(), "overdue", state="manual_review")
    other = staff(Role.SUPERVISOR)
    assert "?mine=new" in client.get("/admin/").content.decode()
    assert notice.subject in client.get("/admin/notices/notice/?mine=new").content.decode()
    assert signed_in(other).post(page(notice), {"move": "read"}).status_code == 403
    assert client.post(page(notice), {"move": "read"}).status_code == 302
    assert Notice.objects.get().read_at is not None
    assert notice.subject not in client.get("/admin/notices/notice/?mine=new").content.decode()
    assert notice.subject in client.get("/admin/notices/notice/?mine=1").content.decode()
    assert "?mine=new" not in client.get("/admin/").content.decode()


def test_lists_find_by_number(cast: Cast, made: endpoints.Made, signed_in: SignIn) -> None:
    client, number = signed_in(cast.auditor), Notice.objects.get().subject
    for table in ("notice", "delivery"):
        path = reverse(f"admin:notices_{table}_changelist")
        assert client.get(path, {"q": number.lower()}).context["cl"].result_count == 1
        assert client.get(path, {"q": number[:8]}).context["cl"].result_count == 0
    path = reverse("admin:notices_endpoint_changelist")
    assert client.get(path, {"q": cast.seller.code}).context["cl"].result_count == 1
