"""Who gets in: every address and method, tried by everybody who should not."""

from typing import Any

import pytest
from django.test import Client

from marketplace.identity.models import User
from refunds.machine import State
from refunds.operations.say import say_as_staff
from sellers.portal.urls import urlpatterns
from tests.cases import make_request
from tests.people import Cast

from .tools import Asked, snapshot, url, words

ACTIONS: list[tuple[str, str, dict[str, str]]] = [
    ("", "get", {}),
    ("", "post", {}),
    ("agree", "get", {}),
    ("agree", "post", {"note": "Yes."}),
    ("refuse", "get", {}),
    ("refuse", "post", {"ground": "other", "note": "No."}),
    ("part", "get", {}),
    ("part", "post", {"amount": "1.00"}),
    ("replacement", "get", {}),
    ("replacement", "post", {"codes": "A-NEW-CODE"}),
    ("promise", "get", {}),
    ("promise", "post", {"on": "2099-01-01", "note": "Soon."}),
    ("sealed", "get", {}),
    ("sealed", "post", {"amount": "1.00"}),
    ("appeal", "get", {}),
    ("appeal", "post", {"clauses": "B3", "text": "It was used."}),
    ("messages", "get", {}),
    ("messages", "post", {"text": "Hello."}),
    ("evidence", "get", {}),
    ("evidence", "post", {"kind": "other"}),
    ("file", "get", {}),
    ("file", "post", {"purpose": "court", "language": "en", "form": "pdf"}),
]


def call(client: Client, number: str, action: tuple[str, str, dict[str, str]]) -> Any:
    part, method, data = action
    return getattr(client, method)(url(number, *filter(None, [part])), data)


def test_table_holds_every_address_of_a_case() -> None:
    parts = {
        str(p.pattern).removeprefix("cases/<str:number>/").strip("/")
        for p in urlpatterns
        if "number" in str(p.pattern)
    }
    assert parts == {part for part, _method, _data in ACTIONS}


@pytest.mark.parametrize("action", ACTIONS, ids=lambda a: f"{a[1]}-{a[0] or 'case'}")
def test_signed_out_is_sent_to_sign_in(client: Client, asked: Asked, action: Any) -> None:
    request = asked()
    before = snapshot(request)
    answer = call(client, request.number, action)
    assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/portal/login/")
    assert snapshot(request) == before


@pytest.mark.parametrize("who", ["reviewer", "supervisor", "support", "auditor"])
@pytest.mark.parametrize("action", ACTIONS, ids=lambda a: f"{a[1]}-{a[0] or 'case'}")
def test_staff_without_membership_stays_out(
    client: Client, cast: Cast, asked: Asked, action: Any, who: str
) -> None:
    request = asked()
    before = snapshot(request)
    client.force_login(getattr(cast, who))
    assert call(client, request.number, action).status_code == 403
    assert snapshot(request) == before


@pytest.mark.parametrize("action", ACTIONS, ids=lambda a: f"{a[1]}-{a[0] or 'case'}")
def test_another_sellers_case_looks_like_none(client: Client, cast: Cast, asked: Asked, action: Any) -> None:
    request = asked()
    before = snapshot(request)
    client.force_login(cast.other_seller_user)
    foreign, unknown = call(client, request.number, action), call(client, "RF000000AAAAAAAA", action)
    allowed = 405 if action[:2] == ("", "post") else 404
    assert foreign.status_code == unknown.status_code == allowed
    assert words(foreign) == words(unknown)
    assert snapshot(request) == before


def test_a_person_switched_off_is_out(seller: Client, cast: Cast, asked: Asked) -> None:
    request = asked()
    User.objects.filter(pk=cast.seller_user.pk).update(is_active=False)
    before = snapshot(request)
    assert seller.post(url(request, "agree")).status_code == 302
    assert snapshot(request) == before


@pytest.mark.parametrize("path", ["/portal/", "/portal/?tab=done", "/portal/nowhere/"])
def test_lists_are_for_members(client: Client, cast: Cast, path: str) -> None:
    assert client.get(path).status_code == 302
    client.force_login(cast.reviewer)
    refused = client.get(path)
    assert refused.status_code == 403
    assert "/admin/" in refused.content.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/portal/nowhere/",
        "/portal/?tab=none",
        "/portal/?after=x",
        "/portal/?tab=done&after=-1",
        "/portal/?after=2026-01-01T00:00:00~1",
        "/portal/?after=2026-01-01T00:00:00Z~9e9",
    ],
)
def test_unknown_addresses_are_a_page_that_says_so(seller: Client, path: str) -> None:
    lost = seller.get(path)
    assert lost.status_code == 404
    assert "There is nothing here" in words(lost)


def test_post_without_the_csrf_token_changes_nothing(cast: Cast, asked: Asked) -> None:
    request = asked()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.seller_user)
    before = snapshot(request)
    assert strict.post(url(request, "agree")).status_code == 403
    assert snapshot(request) == before


def test_pages_show_no_code_no_internal_note_and_no_contact(seller: Client, cast: Cast, asked: Asked) -> None:
    cast.buyer.email, cast.buyer.phone, cast.buyer.ip = "ann@example.org", "13912345678", "198.51.100.7"
    cast.buyer.save()
    target = {"account": "13912345678", "server": "S1", "phone": "13912345678", "mail": "ann@example.org"}
    request = asked(target=target)
    say_as_staff(
        number=request.number,
        user=cast.reviewer,
        text="Looks forged.",
        now=request.filed_at,
        is_internal=True,
    )
    say_as_staff(number=request.number, user=cast.reviewer, text="We are on it.", now=request.filed_at)
    for path in ("/portal/", url(request), url(request, "agree")):
        body = seller.get(path).content.decode()
        for secret in (
            f"CARD-{request.order.no}",
            "forged",
            "ann@example.org",
            "13912345678",
            "198.51.100.7",
        ):
            assert secret not in body, (path, secret)
        assert cast.reviewer.username not in body
    page = words(seller.get(url(request)))
    assert "We are on it." in page
    assert "139****5678" in page
    assert "S1" in page


@pytest.mark.parametrize("path", ["/portal/login/", "/portal/", "case"])
def test_content_policy_allows_nothing_inline(seller: Client, asked: Asked, path: str) -> None:
    answer = seller.get(url(asked()) if path == "case" else path, follow=False)
    policy = answer["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    body = answer.content.decode()
    assert " style=" not in body
    assert "<style" not in body
    assert "<script>" not in body


@pytest.mark.parametrize("state", [state for state in State if state != State.AWAITING_SELLER])
def test_every_state_has_a_page_and_no_answer_where_none_is_asked(
    seller: Client, cast: Cast, state: str
) -> None:
    request = make_request(cast, state=state)
    page = seller.get(url(request))
    assert page.status_code == 200
    assert url(request, "agree") not in page.content.decode()
    assert url(request, "refuse") not in page.content.decode()
