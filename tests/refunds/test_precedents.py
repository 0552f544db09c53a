"""The nearest decided cases (F9): what makes a case near, what they ask of who departs from them, and what it costs."""

import time

import pytest
from django.db import connection
from django.utils import timezone

from refunds import precedents
from refunds.models import CaseWords, Judgement, RefundRequest
from refunds.operations import review
from refunds.operations.judging import DeviationNeedsReason
from refunds.operations.say import say_as_seller, say_as_staff
from refunds.precedents import (
    BEST,
    LATEST,
    SHOWN,
    Precedent,
    Question,
    against,
    nearest,
    question_of,
    tokens_of,
)
from tests.factories import hours
from tests.judged import approve, reject, to_judge
from tests.people import Cast

INVALID = "兑换时游戏内提示“兑换码无效”，区服 艾欧尼亚"


@pytest.fixture(autouse=True)
def _no_statistics() -> None:
    precedents._statistics = (0.0, 0.0, {})


# --- Words ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("兑换码无效", ["兑换", "换码", "码无", "无效"]),
        ("卡", ["卡"]),
        ("Code INVALID, code!", ["code", "invalid"]),
        ("提示error无效", ["提示", "error", "无效"]),
        ("ＡＢ１２", ["ab12"]),
        ("账号 13800138000 一区", ["账号", "一区"]),
        ("' | & ! : * \\ \x00", []),
        ("", []),
    ],
)
def test_text_is_cut_into_bigrams_and_words(text: str, tokens: list[str]) -> None:
    assert tokens_of(text) == tokens


def test_share_of_common_words_is_exact(cast: Cast) -> None:
    """ts_rank is used as a counter of the query's words: held to counting by hand."""
    texts = [INVALID, "兑换码无效", "Code invalid", "一直没有到账，请退款", INVALID + "，请尽快处理退款"]
    for text in texts:
        reject(to_judge(cast, text), cast.reviewer, deviation="x")
    asked = question_of(to_judge(cast, INVALID))
    words = {case.number: case.words for case in nearest(asked)}
    for request in RefundRequest.objects.filter(number__in=words):
        ours, theirs = set(asked.tokens), set(tokens_of(request.description))
        assert words[request.number] == pytest.approx(2 * len(ours & theirs) / (len(ours) + len(theirs)))
    assert len(words) == 5


# --- Near ----------------------------------------------------------------------------------------------------


def test_the_nearest_come_first(cast: Cast) -> None:
    other = to_judge(cast, "会员页面打不开", reason="not_as_described", goods_type="membership")
    same_kind = to_judge(cast, "别的事情")
    twin = to_judge(cast, INVALID)
    for request in (twin, other, same_kind):
        reject(request, cast.reviewer, deviation="x")
    found = nearest(question_of(to_judge(cast, INVALID)))
    assert [case.number for case in found] == [twin.number, same_kind.number]
    assert found[0].similarity == pytest.approx(1.0)
    assert (found[1].same_goods, found[1].same_reason, found[1].findings) == (True, True, 1.0)
    assert found[1].words < 0.2


def test_words_find_a_case_of_another_kind(cast: Cast) -> None:
    far = to_judge(cast, INVALID, reason="not_activated", goods_type="point_coupon")
    reject(far, cast.reviewer)
    (found,) = nearest(question_of(to_judge(cast, INVALID)))
    assert (found.number, found.same_goods, found.same_reason) == (far.number, False, False)


def test_findings_alike_are_counted(cast: Cast) -> None:
    used = [("delivered", hours(-3)), ("logged_in", hours(-2))]
    reject(to_judge(cast, events=used), cast.reviewer)
    (found,) = nearest(question_of(to_judge(cast)))
    assert 0.5 < found.findings < 1


def test_both_sides_words_count_and_staffs_do_not(cast: Cast) -> None:
    request = to_judge(cast, "First")
    now = timezone.now()
    say_as_seller(number=request.number, user=cast.seller_user, text="Second", now=now)
    say_as_staff(number=request.number, user=cast.reviewer, text="Third", now=now)
    say_as_staff(number=request.number, user=cast.reviewer, text="Fourth", now=now, is_internal=True)
    assert question_of(request).tokens == ("first", "second")


def test_a_case_is_no_precedent_of_itself_and_counts_as_it_was_decided_last(cast: Cast) -> None:
    request = to_judge(cast, INVALID)
    reject(request, cast.reviewer)
    review.hear_appeal(number=request.number, user=cast.supervisor, note="New facts.", now=timezone.now())
    assert nearest(question_of(request)) == []
    approve(request, cast.supervisor)
    assert CaseWords.objects.count() == 1
    (found,) = nearest(question_of(to_judge(cast, INVALID)))
    assert found.outcome == "approve"


# --- Departing -----------------------------------------------------------------------------------------------


def test_departing_from_three_near_precedents_needs_a_reason(cast: Cast) -> None:
    decided = [to_judge(cast, INVALID) for _ in range(3)]
    for request in decided:
        approve(request, cast.reviewer)
    request = to_judge(cast, INVALID)
    with pytest.raises(DeviationNeedsReason) as refusal:
        reject(request, cast.reviewer, deviation="  ")
    assert sorted(refusal.value.extra["precedents"]) == sorted(each.number for each in decided)
    assert all(each.number in str(refusal.value) for each in decided)
    request.refresh_from_db()
    assert (request.state, request.judgements.count()) == ("manual_review", 0)
    reject(request, cast.reviewer, deviation="Redeemed by the buyer's own account.")
    assert request.judgements.get().deviation == "Redeemed by the buyer's own account."


def test_deciding_as_the_precedents_were_needs_none(cast: Cast) -> None:
    for _ in range(4):
        approve(to_judge(cast, INVALID), cast.reviewer)
    approve(to_judge(cast, INVALID), cast.reviewer, amount=5000)  # a part goes the buyer's way too
    assert Judgement.objects.count() == 5


def test_two_of_three_or_three_far_off_bind_nobody(cast: Cast) -> None:
    for _ in range(2):
        approve(to_judge(cast, INVALID), cast.reviewer)
    reject(to_judge(cast, INVALID), cast.reviewer)
    reject(to_judge(cast, INVALID), cast.reviewer)
    for _ in range(3):
        approve(
            to_judge(cast, "会员打不开", reason="not_as_described", goods_type="membership"), cast.reviewer
        )
    reject(to_judge(cast, "激活失败", reason="not_activated", goods_type="software_licence"), cast.reviewer)


def test_a_proposal_gives_the_reason_and_the_second_person_need_not_repeat_it(cast: Cast) -> None:
    for _ in range(3):
        reject(to_judge(cast, INVALID, total=300_000), cast.reviewer)
    request = to_judge(cast, INVALID, total=300_000)
    with pytest.raises(DeviationNeedsReason):
        approve(request, cast.reviewer)
    approve(request, cast.reviewer, deviation="The provider says it was never credited.")
    approve(request, cast.second_reviewer)
    assert request.judgements.get().deviation == "The provider says it was never credited."


@pytest.mark.parametrize(
    ("outcomes", "for_buyer", "expected"),
    [
        (["reject"] * 3 + ["approve"] * 2, True, 3),
        (["reject"] * 3 + ["approve"] * 2, False, 0),
        (["reject"] * 2, True, 0),
        (["part", "approve", "part"], False, 3),
        (["reject"] * 5, True, 5),
    ],
)
def test_clear_majority(outcomes: list[str], for_buyer: bool, expected: int) -> None:
    cases = [
        Precedent(str(n), outcome, "none", "", timezone.now(), True, True, 1.0, 0.5)
        for n, outcome in enumerate(outcomes)
    ]
    assert len(against(cases, for_buyer=for_buyer)) == expected
    for far in ({"findings": 0.5}, {"words": 0.0}, {"same_reason": False}, {"same_goods": False}):
        assert against([case._replace(**far) for case in cases], for_buyer=for_buyer) == []


# --- Cost ----------------------------------------------------------------------------------------------------

_MANY = """
WITH w AS (
    SELECT r.id, j.id AS judgement, n
    FROM generate_series(1, %(rows)s) n, refunds_refundrequest r, refunds_judgement j
    WHERE r.id = %(request)s AND j.request_id = r.id
)
INSERT INTO refunds_casewords (request_id, judgement_id, goods_type, reason, results, tokens)
SELECT -n, -n, (ARRAY['card_code', 'membership', 'live_coins'])[1 + n %% 3],
    (ARRAY['invalid_code', 'not_delivered', 'not_as_described', 'other'])[1 + n %% 4], 'usage.seen window.open',
    array_to_tsvector(ARRAY(SELECT DISTINCT t FROM (
        SELECT chr(19968 + (power(random(), 3) * 600)::int) || chr(19968 + (power(random(), 3) * 600)::int) AS t
        FROM generate_series(1, 30) WHERE n > 0) s))
FROM w
"""


@pytest.mark.slow
def test_search_among_many_decided_cases_is_bounded(cast: Cast) -> None:
    """20,000 here; docs/desk.md has the figures of 100,000."""
    request = to_judge(cast, INVALID)
    reject(request, cast.reviewer)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "SET session_replication_role = replica"
        )  # words without their cases: nothing is joined
        cursor.execute(_MANY, {"rows": 20_000, "request": request.pk})
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("ANALYZE refunds_casewords")
        cursor.execute("SELECT tsvector_to_array(tokens) FROM refunds_casewords WHERE request_id = -1")
        tokens = tuple(cursor.fetchone()[0])
    asked = Question(0, "card_code", "invalid_code", frozenset({"usage.seen"}), tokens)
    nearest(asked)
    chosen = precedents._rarest(tokens)
    assert 0 < len(chosen) <= len(tokens)
    began = time.perf_counter()
    assert len(nearest(asked)) <= SHOWN
    assert time.perf_counter() - began < 0.25
    assert LATEST + BEST <= 400
