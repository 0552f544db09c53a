"""What anybody may read without a token (requirement J1), and how rarely it has to be sent."""

from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from refunds import published
from refunds.machine import State
from refunds.operations.sweep import sweep_deadlines
from refunds.policy import DEFAULTS, GOODS_TYPES, Terms
from refunds.policy.plain import SENTENCES, plain
from refunds.seller_figures import FLOOR
from tests.cases import bring, make_request
from tests.factories import days, hours, make_order
from tests.people import Api, Cast
from tests.terms import publish

PUBLIC = [
    "/api/v1/policies/",
    "/api/v1/policies/card_code/",
    "/api/v1/evidence-standards/",
]


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_rules_are_open_to_all_and_cached(api: Api, path: str, language: str) -> None:
    read = api.get(path, headers={"Accept-Language": language})
    assert read.status_code == 200
    assert read["Cache-Control"] == "public, max-age=60"
    assert "Accept-Language" in read["Vary"]
    chinese = any("\u4e00" <= c <= "\u9fff" for c in read.content.decode())
    assert chinese == (language == "zh-hans")
    again = api.get(path, headers={"Accept-Language": language, "If-None-Match": read["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", read["ETag"])
    other = "en" if language == "zh-hans" else "zh-hans"
    assert api.get(path, headers={"Accept-Language": other, "If-None-Match": read["ETag"]}).status_code == 200


def test_every_type_of_goods_has_its_rules_as_data_and_in_words(api: Api) -> None:
    rows = api.get("/api/v1/policies/").json()["results"]
    assert [row["goods_type"] for row in rows] == list(GOODS_TYPES)
    for row in rows:
        assert row["next"] is None
        read = api.get(f"/api/v1/policies/{row['goods_type']}/", headers={"Accept-Language": "en"}).json()
        assert read["policy"] == row["policy"] == f"{row['goods_type']}@1"
        assert read["terms"]["small_below"] == DEFAULTS[row["goods_type"]]["small_below"]
        assert "commission_bps" not in read["terms"]
        assert all(clause["text"] and "{" not in clause["text"] for clause in read["text"])


@pytest.mark.parametrize("goods_type", GOODS_TYPES)
def test_words_say_the_numbers_of_the_terms(goods_type: str) -> None:
    terms = Terms.model_validate({**DEFAULTS[goods_type], "small_below": 1234})
    for language, amount in (("en", "CNY 12.34"), ("zh-hans", "¥12.34")):
        clauses = plain(terms, language)
        assert len(clauses) == len({clause["text"] for clause in clauses})
        assert any(amount in clause["text"] for clause in clauses)


def test_sentences_exist_in_both_languages() -> None:
    for key, (chinese, english) in SENTENCES.items():
        assert any("\u4e00" <= c <= "\u9fff" for c in chinese), key
        assert english.isascii(), key


def test_next_version_is_shown_ahead(api: Api) -> None:
    publish("account", at=days(8), window_days=10)
    cache.clear()
    row = next(r for r in api.get("/api/v1/policies/").json()["results"] if r["goods_type"] == "account")
    assert (row["policy"], row["next"]["policy"]) == ("account@1", "account@2")
    read = api.get("/api/v1/policies/account/").json()
    assert (read["terms"]["window_days"], read["next"]["terms"]["window_days"]) == (15, 10)


@pytest.mark.parametrize(("language", "text"), [("en", "15 days → 10 days"), ("zh-hans", "15 天 → 10 天")])
def test_what_comes_says_what_it_changes_and_why_and_keeps_the_commission_to_itself(
    api: Api, language: str, text: str
) -> None:
    publish("account", at=days(8), window_days=10, commission_bps=300)
    cache.clear()
    coming = api.get("/api/v1/policies/account/", headers={"Accept-Language": language}).json()["next"]
    [change] = coming["changes"]
    assert (change["term"], change["text"], change["for_buyer"]) == ("window_days", text, "stricter")
    assert (coming["title"], coming["why"]) == ("Other terms", "The old ones did not do.")


@pytest.mark.parametrize("path", ["/api/v1/policies/socks/", "/api/v1/sellers/S-none/"])
def test_what_is_not_there_is_404(api: Api, path: str) -> None:
    missing = api.get(path)
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


@pytest.mark.django_db
def test_terms_are_published_in_one_order() -> None:
    regions = published.policy("card_code", timezone.now())["terms"]["withdrawal"]["regions"]
    assert regions == sorted(regions)


def test_seller_with_few_orders_shows_no_figures(api: Api, cast: Cast) -> None:
    make_request(cast, state=State.AWAITING_SELLER)
    read = api.get(f"/api/v1/sellers/{cast.seller.code}/").json()
    assert (read["name"], read["verified"]) == (cast.seller.name, True)
    assert read["figures"] == {
        "days": 90, "cases": None, "refund_rate": None, "silence_rate": None, "median_answer_hours": None,
    }  # fmt: skip


def test_seller_figures_are_what_happened(api: Api, cast: Cast, django_assert_num_queries: Any) -> None:
    now = timezone.now()
    requests = [make_request(cast, state=State.AWAITING_SELLER, now=now - hours(30)) for _n in range(FLOOR)]
    for _n in range(5):
        make_order(shop=cast.shop, buyer=cast.buyer, seller=cast.seller)
    make_order(shop=cast.shop, buyer=cast.buyer, seller=cast.seller, paid=days(-91), completed=days(-91))
    bring(make_request(cast, state=State.AWAITING_SELLER), State.APPROVED, cast)  # the seller agrees
    assert sweep_deadlines(now) == len(requests)
    with django_assert_num_queries(2):
        read = api.get(f"/api/v1/sellers/{cast.seller.code}/")
    figures = read.json()["figures"]
    assert figures["cases"] == FLOOR + 1
    assert figures["refund_rate"] == round(1 / (FLOOR + 6), 4)
    assert figures["silence_rate"] == round(FLOOR / (FLOOR + 1), 4)
    assert figures["median_answer_hours"] is None  # one answer says nothing
    with django_assert_num_queries(0):
        assert api.get(f"/api/v1/sellers/{cast.seller.code}/").json() == read.json()


def test_no_figure_names_a_buyer_or_an_order(api: Api, cast: Cast) -> None:
    request = make_request(cast, state=State.AWAITING_SELLER)
    page = api.get(f"/api/v1/sellers/{cast.seller.code}/").content.decode()
    for private in (cast.buyer.external_id, request.number, request.order.no):
        assert private not in page
