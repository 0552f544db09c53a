"""The seller's bell, notices and settings: their own, and a secret seen once."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.notices.models import Delivery, Endpoint, Notice, Preference
from marketplace.notices.operations import endpoints
from marketplace.notices.topics import RecipientKind
from sellers.portal import notices
from tests.cases import work
from tests.notices.receivers import Receiver, told, verified
from tests.people import Cast

from .tools import words

SELLER = RecipientKind.SELLER
PAGES = ("/portal/notices/", "/portal/settings/", "/portal/settings/webhooks/log/")


def posts(endpoint_id: int, delivery_id: int) -> list[tuple[str, dict[str, Any]]]:
    return [
        ("/portal/notices/", {"up_to": "999999"}),
        ("/portal/settings/mails/", {}),
        ("/portal/settings/webhooks/", {"url": "https://hooks.example.com/new"}),
        (f"/portal/settings/webhooks/{endpoint_id}/rotate/", {}),
        (f"/portal/settings/webhooks/{endpoint_id}/switch/", {"on": "0"}),
        (f"/portal/settings/webhooks/log/{delivery_id}/", {}),
    ]


@pytest.fixture
def endpoint(cast: Cast) -> endpoints.Made:
    return endpoints.add(url="https://hooks.example.com/a", seller_id=cast.seller.pk, now=timezone.now())


def test_bell_counts_what_is_unread_until_it_is_marked(seller: Client, cast: Cast) -> None:
    assert 'class="count"' not in seller.get("/portal/").content.decode()
    for _number in range(3):
        told(cast, SELLER, timezone.now(), "seller_to_answer")
    assert "3 unread" in words(seller.get("/portal/"))
    page = seller.get("/portal/notices/")
    assert page.content.decode().count('class="new"') == 3
    newest = page.context["newest"]
    late = told(cast, SELLER, timezone.now())  # comes in while the page is read
    assert seller.post("/portal/notices/", {"up_to": newest}).status_code == 302
    assert list(Notice.objects.filter(read_at=None)) == [late]
    assert "1 unread" in words(seller.get("/portal/"))


def test_notice_says_what_to_do_and_leads_to_the_case(seller: Client, cast: Cast) -> None:
    notice = told(cast, SELLER, timezone.now(), "seller_to_answer", due_at="2026-11-21T09:30:00+08:00")
    page = seller.get("/portal/notices/")
    said = words(page)
    for fact in (
        f"Answer refund request {notice.subject}",
        "CNY 49.00",
        "2026-11-21 09:30",
        "Agree, make an offer, or refuse with a ground",
    ):
        assert fact in said
    assert f'href="/portal/cases/{notice.subject}/"' in page.content.decode()


def test_older_notices_are_on_the_next_page(seller: Client, cast: Cast, monkeypatch: Any) -> None:
    monkeypatch.setattr(notices, "PAGE_SIZE", 2)
    made = [told(cast, SELLER, timezone.now()) for _ in range(5)]
    seen, after = [], ""
    while True:
        page = seller.get("/portal/notices/", {"after": after} if after else {})
        seen += [row.notice.pk for row in page.context["rows"]]
        after = page.context["next"]
        if not after:
            break
    assert seen == [notice.pk for notice in reversed(made)]
    assert seller.get("/portal/notices/?after=x").status_code == 404


def test_another_sellers_notices_endpoints_and_log_are_not_shown_or_touched(
    seller: Client, cast: Cast, endpoint: endpoints.Made
) -> None:
    notice = told(cast, SELLER, timezone.now())
    Delivery.objects.update(state=Delivery.State.FAILED)
    delivery = Delivery.objects.get()
    other = Client()
    other.force_login(cast.other_seller_user)
    other.cookies["django_language"] = "en"
    for path in PAGES:
        page = other.get(path)
        assert page.status_code == 200
        assert notice.subject not in page.content.decode()
        assert endpoint.endpoint.url not in page.content.decode()
    for path, data in posts(endpoint.endpoint.pk, delivery.pk)[3:]:
        assert other.post(path, data).status_code == 404, path
    other.post("/portal/notices/", {"up_to": "999999"})
    fresh = Endpoint.objects.get(pk=endpoint.endpoint.pk)
    assert fresh.disabled_at is None
    assert bytes(fresh.sealed_secret) == bytes(endpoint.endpoint.sealed_secret)
    assert Notice.objects.get().read_at is None


@pytest.mark.parametrize("who", [None, "reviewer", "auditor"])
def test_who_is_no_member_gets_in_nowhere(
    who: str | None, cast: Cast, client: Client, endpoint: endpoints.Made
) -> None:
    told(cast, SELLER, timezone.now())
    delivery = Delivery.objects.get()
    if who:
        client.force_login(getattr(cast, who))
    wanted = 403 if who else 302
    for path in PAGES:
        assert client.get(path).status_code == wanted
    for path, data in posts(endpoint.endpoint.pk, delivery.pk):
        answer = client.post(path, data)
        assert answer.status_code == wanted, path
        assert who or "/portal/login/" in answer.headers["Location"]
    assert Notice.objects.get().read_at is None
    assert Endpoint.objects.get().disabled_at is None
    assert not Preference.objects.exists()


def test_secret_is_shown_once_and_signs(seller: Client, cast: Cast, settings: Any) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = True
    with Receiver().running() as receiver:
        page = seller.post("/portal/settings/webhooks/", {"url": receiver.url})
        assert page.status_code == 200
        assert "no-store" in page.headers["Cache-Control"]
        secret = page.context["made"].secret
        assert page.content.decode().count(secret) == 1
        for path in PAGES:
            assert "whsec_" not in seller.get(path).content.decode()
        at = timezone.now()
        told(cast, SELLER, at)
        work(at)
        assert verified(receiver.got[0], secret, at)
    log = words(seller.get("/portal/settings/webhooks/log/"))
    assert "Sent HTTP 204" in log
    again = seller.post(f"/portal/settings/webhooks/log/{Delivery.objects.get().pk}/", follow=True)
    assert "It is being sent again." in words(again)
    assert Delivery.objects.get().state == "queued"
    twice = seller.post(f"/portal/settings/webhooks/log/{Delivery.objects.get().pk}/", follow=True)
    assert "This is on its way" in words(twice)


def test_rotation_shows_another_secret_and_says_how_long_both_count(
    seller: Client, endpoint: endpoints.Made
) -> None:
    page = seller.post(f"/portal/settings/webhooks/{endpoint.endpoint.pk}/rotate/")
    secret = page.context["made"].secret
    assert secret != endpoint.secret
    assert secret in page.content.decode()
    assert "The former secret is used beside it until" in words(page)
    assert "Two secrets are valid until" in words(seller.get("/portal/settings/"))


def test_switched_off_and_on(seller: Client, endpoint: endpoints.Made) -> None:
    url = f"/portal/settings/webhooks/{endpoint.endpoint.pk}/switch/"
    assert "Switched off by its owner" in words(seller.post(url, {"on": "0"}, follow=True))
    assert Endpoint.objects.get().disabled_at is not None
    assert "In use" in words(seller.post(url, {"on": "1"}, follow=True))
    assert Endpoint.objects.get().disabled_at is None


@pytest.mark.parametrize(
    "url", ["", "http://hooks.example.com/", "https://127.0.0.1/", "https://10.0.0.1/", "https://db/", "x"]
)
def test_address_that_is_refused_stays_as_typed_with_the_reason(url: str, seller: Client) -> None:
    page = seller.post("/portal/settings/webhooks/", {"url": url})
    assert page.status_code == 422
    assert not Endpoint.objects.exists()
    assert f'value="{url}"' in page.content.decode() or not url
    assert "refused" in page.content.decode() or "errorlist" in page.content.decode()


def test_mails_are_turned_off_by_group_for_this_person(seller: Client, cast: Cast) -> None:
    User.objects.filter(pk=cast.seller_user.pk).update(email="me@example.com")
    assert "They go to me@example.com." in words(seller.get("/portal/settings/"))
    seller.post("/portal/settings/mails/", {"group": ["messages", "decisions", "nonsense"]})
    off = Preference.objects.filter(recipient_kind="user", recipient_id=cast.seller_user.pk, way="email")
    assert set(off.values_list("group", flat=True)) == {"progress", "technical"}
    page = seller.get("/portal/settings/").content.decode()
    assert 'value="messages" checked' in page
    assert 'value="progress">' in page
    assert 'value="decisions" checked disabled' in page
    seller.post("/portal/settings/mails/", {"group": ["messages", "progress", "technical"]})
    assert not Preference.objects.exists()


def test_pages_cost_the_same_for_any_number_of_notices(
    seller: Client, cast: Cast, endpoint: endpoints.Made, django_assert_max_num_queries: Any
) -> None:
    for _number in range(6):
        told(cast, SELLER, timezone.now())
    for path in PAGES:
        with django_assert_max_num_queries(7):
            seller.get(path)
