"""GET /api/v1/notifications/ and POST /api/v1/notifications/read/: one's own, once, in one's language."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from marketplace.notices.models import Notice, Preference
from marketplace.notices.topics import RecipientKind
from tests.people import Api, Cast

from .receivers import told

LIST, READ = "/api/v1/notifications/", "/api/v1/notifications/read/"
BUYER = RecipientKind.BUYER


@pytest.fixture
def five(cast: Cast) -> list[Notice]:
    at = timezone.now()
    return [told(cast, BUYER, at + timedelta(seconds=n), "rejected", clause="B6") for n in range(5)]


def unread() -> set[int]:
    return set(Notice.objects.filter(read_at=None).values_list("pk", flat=True))


def test_buyer_reads_what_they_were_told_newest_first(cast: Cast, api: Api, five: list[Notice]) -> None:
    answer = api.sign_in(cast.buyer).get(LIST, headers={"Accept-Language": "en"})
    assert answer.status_code == 200
    rows = answer.json()["results"]
    assert [row["id"] for row in rows] == [notice.pk for notice in reversed(five)]
    newest = rows[0]
    assert newest["topic"] == "rejected"
    assert newest["request"] == five[-1].subject
    assert newest["title"] == f"Refund request {five[-1].subject} rejected"
    assert "Clause: B6." in newest["body"]
    assert newest["data"]["amount"] == {"amount": 4900, "currency": "CNY"}
    assert newest["read_at"] is None


def test_language_is_the_readers_and_codes_stay(cast: Cast, api: Api, five: list[Notice]) -> None:
    buyer = api.sign_in(cast.buyer)
    chinese, english = (
        buyer.get(LIST, headers={"Accept-Language": language}).json()["results"][0]
        for language in ("zh-hans", "en")
    )
    assert "¥49.00" in chinese["body"]
    assert "CNY 49.00" in english["body"]
    assert (chinese["topic"], chinese["data"]) == (english["topic"], english["data"])


def test_pages_follow_each_other(cast: Cast, api: Api, five: list[Notice]) -> None:
    buyer, url, seen = api.sign_in(cast.buyer), f"{LIST}?page_size=2", []
    while url:
        page = buyer.get(url).json()
        seen += [row["id"] for row in page["results"]]
        url = page["next"]
    assert seen == [notice.pk for notice in reversed(five)]


def test_filters(cast: Cast, api: Api, five: list[Notice]) -> None:
    buyer = api.sign_in(cast.buyer)
    buyer.post(READ, {"ids": [five[0].pk]})
    assert len(buyer.get(f"{LIST}?unread=true").json()["results"]) == 4
    assert len(buyer.get(f"{LIST}?unread=false").json()["results"]) == 1
    [row] = buyer.get(f"{LIST}?request={five[2].subject}").json()["results"]
    assert row["id"] == five[2].pk


def test_another_buyers_notices_are_invisible(cast: Cast, api: Api, five: list[Notice]) -> None:
    stranger = api.sign_in(cast.stranger)
    assert stranger.get(LIST).json()["results"] == []
    assert stranger.get(f"{LIST}?request={five[0].subject}").json()["results"] == []
    refused = stranger.post(READ, {"ids": [five[0].pk]})
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    assert stranger.post(READ, {"up_to": five[-1].pk}).json() == {"read": 0, "unread": 0}
    assert len(unread()) == 5


def test_sellers_notice_with_the_buyers_id_is_not_the_buyers(cast: Cast, api: Api) -> None:
    notice = told(cast, RecipientKind.SELLER, timezone.now())
    Notice.objects.update(recipient_id=cast.buyer.pk)
    buyer = api.sign_in(cast.buyer)
    assert buyer.get(LIST).json()["results"] == []
    assert buyer.post(READ, {"ids": [notice.pk]}).status_code == 404
    assert unread() == {notice.pk}


def test_some_are_marked_and_the_first_time_counts(cast: Cast, api: Api, five: list[Notice]) -> None:
    buyer = api.sign_in(cast.buyer)
    ids = [five[1].pk, five[3].pk, five[3].pk]
    assert buyer.post(READ, {"ids": ids}).json() == {"read": 2, "unread": 3}
    first = Notice.objects.get(pk=five[1].pk).read_at
    assert buyer.post(READ, {"ids": ids}).json() == {"read": 0, "unread": 3}
    assert Notice.objects.get(pk=five[1].pk).read_at == first
    assert buyer.post(READ, {"up_to": five[2].pk}).json() == {"read": 2, "unread": 1}
    assert unread() == {five[4].pk}


def test_one_that_is_not_mine_leaves_all_unread(cast: Cast, api: Api, five: list[Notice]) -> None:
    answer = api.sign_in(cast.buyer).post(READ, {"ids": [five[0].pk, 999_999_999]})
    assert answer.status_code == 404
    assert len(unread()) == 5


def test_same_key_gives_the_first_answer_again(cast: Cast, api: Api, five: list[Notice]) -> None:
    buyer = api.sign_in(cast.buyer)
    first = buyer.post(READ, {"up_to": five[1].pk}, key="k1")
    told(cast, BUYER, timezone.now())
    again = buyer.post(READ, {"up_to": five[1].pk}, key="k1")
    assert again.json() == first.json() == {"read": 2, "unread": 3}
    assert again.headers["Idempotent-Replayed"] == "true"
    other = buyer.post(READ, {"up_to": five[4].pk}, key="k1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len(unread()) == 4


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""), ({"ids": [1], "up_to": 1}, ""), ({"ids": []}, "/ids"), ({"ids": ["1"]}, "/ids/0"), ({"ids": 1}, "/ids"),
        ({"ids": [0]}, "/ids/0"), ({"ids": [True]}, "/ids/0"), ({"ids": [2**63]}, "/ids/0"), ({"ids": list(range(1, 202))}, "/ids"),
        ({"up_to": "7"}, "/up_to"), ({"up_to": None}, "/up_to"), ({"all": True}, "/all"), ([1], ""),
    ],
)  # fmt: skip
def test_body_that_is_wrong_is_named(
    body: Any, pointer: str, cast: Cast, api: Api, five: list[Notice]
) -> None:
    answer = api.sign_in(cast.buyer).post(READ, body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)
    assert len(unread()) == 5


def test_key_and_token_are_needed(cast: Cast, api: Api, five: list[Notice]) -> None:
    answer = api.sign_in(cast.buyer).post(READ, {"up_to": five[0].pk}, key=None)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")
    assert api.get(LIST).status_code == 401
    assert api.post(READ, {"up_to": 1}).status_code == 401
    assert len(unread()) == 5


def test_list_costs_the_same_for_any_number(
    cast: Cast, api: Api, five: list[Notice], django_assert_num_queries: Any
) -> None:
    buyer = api.sign_in(cast.buyer)
    buyer.get(LIST)
    with django_assert_num_queries(1):
        buyer.get(LIST)


# --- What is wanted by email and SMS ----------------------------------------------------------------------

WANT = "/api/v1/notifications/preferences/"


def test_buyer_is_offered_what_buyers_are_told_of(cast: Cast, api: Api) -> None:
    """New rules and receivers of webhooks are sellers' news."""
    buyer = api.sign_in(cast.buyer)
    offered = [row["group"] for row in buyer.get(WANT).json()["results"]]
    assert offered == ["decisions", "to_do", "progress", "messages"]
    for foreign in ("rules", "technical"):
        assert buyer.post(WANT, {"group": foreign, "way": "email", "wanted": False}).status_code == 400


def test_buyer_turns_mails_of_progress_off_and_on(cast: Cast, api: Api) -> None:
    buyer = api.sign_in(cast.buyer)
    before = {row["group"]: row for row in buyer.get(WANT).json()["results"]}
    assert all(row["email"] and row["sms"] for row in before.values())
    assert [name for name, row in before.items() if not row["optional"]] == ["decisions", "to_do"]
    off = buyer.post(WANT, {"group": "progress", "way": "email", "wanted": False})
    assert off.status_code == 200
    after = {row["group"]: row for row in off.json()["results"]}
    assert (after["progress"]["email"], after["progress"]["sms"], after["messages"]["email"]) == (
        False,
        True,
        True,
    )
    assert buyer.get(WANT).json() == off.json()
    stranger = {row["group"]: row for row in api.sign_in(cast.stranger).get(WANT).json()["results"]}
    assert stranger == before
    buyer.post(WANT, {"group": "progress", "way": "email", "wanted": True})
    assert not Preference.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {"group": "decisions", "way": "email", "wanted": False}, {"group": "to_do", "way": "sms", "wanted": False},
        {"group": "progress", "way": "webhook", "wanted": False}, {"group": "progress", "way": "email"},
        {"group": "progress", "way": "email", "wanted": "no"}, {"group": "x", "way": "email", "wanted": False},
    ],
)  # fmt: skip
def test_what_cannot_be_turned_off_is_refused(body: dict[str, Any], cast: Cast, api: Api) -> None:
    assert api.sign_in(cast.buyer).post(WANT, body).status_code == 400
    assert not Preference.objects.exists()
