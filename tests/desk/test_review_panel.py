"""What a reviewer sees beside the facts: precedents, fault, the provider, threats, what the description lacks."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.identity.roles import Role
from marketplace.kernel.errors import NotFound, NotPermitted
from marketplace.kernel.models import OutboxJob
from refunds.admin.looks import ANSWERS, JUDGED
from refunds.desk_queries import QUEUES, queue_counts
from refunds.faults import Outcome
from refunds.models import Flag, ProviderAnswer, ProviderCheck, RefundRequest
from refunds.operations import flag as flagging
from refunds.operations.decide import precheck
from refunds.operations.say import say_as_seller, say_as_staff
from tests.cases import file, make_request
from tests.channels.provider import LocalProvider
from tests.factories import hours, make_order
from tests.judged import approve, letter, reject, to_judge
from tests.people import Api, Cast

from .conftest import QUEUE, staff, standing, url_of

SignIn = Callable[[User], Client]
ENGLISH = {"accept-language": "en"}
THREAT = "再不退款我就打12315投诉你们"


def page(client: Client, request: RefundRequest) -> str:
    answer = client.get(url_of(request), headers=ENGLISH)
    assert answer.status_code == 200
    return answer.content.decode()


# --- Fault and precedents ------------------------------------------------------------------------------------


def test_looks_cover_every_outcome_and_answer() -> None:
    assert set(JUDGED) == set(Outcome)
    assert set(ANSWERS) == set(ProviderAnswer)


@pytest.mark.parametrize("move", ["approve", "approve_part", "reject"])
def test_nobody_is_at_fault_by_default(move: str, cast: Cast, desk: Client) -> None:
    request = make_request(cast, state="manual_review")
    assert '<option value="" selected>Choose …</option>' in page(desk, request)
    before = standing(request)
    data = {"move": move, "note": "Seen.", "clause": "B3", "amount": "1"}
    answer = desk.post(url_of(request), data, headers=ENGLISH)
    assert answer.status_code == 422
    assert "Say who is at fault" in answer.content.decode()
    assert "Seen." in answer.content.decode()
    assert standing(request) == before


def test_rejection_cannot_name_the_seller(cast: Cast, desk: Client) -> None:
    request = make_request(cast, state="manual_review")
    data = {"move": "reject", "note": "Seen.", "clause": "B3", "fault": "seller"}
    answer = desk.post(url_of(request), data, headers=ENGLISH)
    assert answer.status_code == 422
    assert "the refund is due" in answer.content.decode()


def test_time_line_names_the_fault_and_the_forced_refund(cast: Cast, desk: Client) -> None:
    forced, not_forced = (make_request(cast, state="manual_review") for _ in range(2))
    approve(forced, cast.reviewer, fault="seller")
    approve(not_forced, cast.reviewer, fault="provider", deviation="The partner was down.")
    assert "Fault: The seller · Forced refund" in page(desk, forced)
    shown = page(desk, not_forced)
    assert "Fault: The provider of the goods" in shown
    assert "Forced refund" not in shown
    assert "Departs from the precedents: The partner was down." in shown


def test_seller_reads_the_fault_in_the_portal(cast: Cast) -> None:
    request = make_request(cast, state="manual_review")
    approve(request, cast.reviewer, fault="seller", deviation="Between us.")
    client = Client()
    client.force_login(cast.seller_user, backend="marketplace.identity.backends.RoleBackend")
    shown = client.get(f"/portal/cases/{request.number}/", headers=ENGLISH).content.decode()
    assert "Fault: yours. The refund is forced" in shown
    assert "Between us." not in shown


def test_precedents_are_shown_and_departing_asks_why(cast: Cast, desk: Client) -> None:
    decided = [to_judge(cast, "提示“兑换码无效”") for _ in range(3)]
    request = to_judge(cast, "提示“兑换码无效”")
    assert "Nearest precedents" not in page(desk, request)
    for each in decided:
        approve(each, cast.reviewer)
    shown = page(desk, request)
    assert all(each.number in shown for each in decided)
    assert "100 %" in shown
    assert "same goods · same reason · findings 100% alike · words 100% alike" in shown
    assert 'id="reject-deviation"' in shown
    assert 'id="approve-deviation"' not in shown
    data = {"move": "reject", "note": "Redeemed.", "clause": "B3", "fault": "buyer"}
    before = standing(request)
    refused = desk.post(url_of(request), data, headers=ENGLISH)
    assert refused.status_code == 422
    assert decided[0].number in refused.content.decode()
    assert standing(request) == before
    done = desk.post(url_of(request), {**data, "deviation": "By the buyer's own account."})
    assert done.status_code == 302
    assert request.judgements.get().deviation == "By the buyer's own account."


def test_a_decided_case_shows_no_precedents(cast: Cast, desk: Client) -> None:
    for _ in range(2):
        request = reject(to_judge(cast), cast.reviewer)
    assert "Nearest precedents" not in page(desk, request)


# --- Provider ------------------------------------------------------------------------------------------------


@pytest.fixture
def provider() -> Iterator[LocalProvider]:
    server = LocalProvider()
    with server.running(), override_settings(PROVIDER=server.settings()):
        yield server


def test_reviewer_asks_the_provider(provider: LocalProvider, cast: Cast, desk: Client) -> None:
    request = make_request(cast, state="manual_review")
    assert 'value="ask_provider"' in page(desk, request)
    assert desk.post(url_of(request), {"move": "ask_provider", "unit": "1"}).status_code == 302
    assert OutboxJob.objects.filter(task="refunds.ask_provider").count() == 1
    assert "Asked, not answered yet" in page(desk, request)
    assert desk.post(url_of(request), {"move": "ask_provider", "unit": "1"}).status_code == 409


def test_without_a_partner_there_is_no_button_to_ask(cast: Cast, desk: Client) -> None:
    request = make_request(cast, state="manual_review")
    shown = page(desk, request)
    assert 'value="ask_provider"' not in shown
    assert 'value="write_answer"' in shown
    assert desk.post(url_of(request), {"move": "ask_provider", "unit": "1"}).status_code == 409


LETTER = {
    "move": "write_answer", "unit": "1", "provider": "Recharge Co.", "answer": "credited", "reference": "T-9",
    "credited_at": "2026-01-02T03:04", "words": "Credited to player-7.",
}  # fmt: skip


def test_written_answer_is_evidence_in_time_line_and_facts(cast: Cast, desk: Client) -> None:
    request = make_request(cast, state="manual_review")
    assert desk.post(url_of(request), LETTER).status_code == 302
    check = ProviderCheck.objects.get()
    assert timezone.localtime(check.credited_at).strftime("%Y-%m-%d %H:%M") == "2026-01-02 03:04"
    shown = page(desk, request)
    assert "Provider says: credited at 2026-01-02 03:04" in shown
    assert "Recharge Co. says of unit 1: credited at 2026-01-02 03:04" in shown
    assert "Credited to player-7." in shown


@pytest.mark.parametrize("field", ["provider", "answer", "words"])
def test_incomplete_letter_keeps_what_was_typed(field: str, cast: Cast, desk: Client) -> None:
    request = make_request(cast, state="manual_review")
    answer = desk.post(url_of(request), {**LETTER, field: ""})
    assert answer.status_code == 422
    assert "T-9" in answer.content.decode()
    assert not ProviderCheck.objects.exists()


@pytest.mark.parametrize("role", Role.values)
def test_deeds_are_shown_to_whom_they_are_open(
    role: str, provider: LocalProvider, cast: Cast, signed_in: SignIn
) -> None:
    request = to_judge(cast, THREAT)
    client = signed_in(staff(role))
    if client.get(url_of(request)).status_code != 200:  # nor to an arbiter who does not sit over it
        return
    shown = page(client, request)
    asks = role in ("support", "reviewer", "supervisor", "arbiter")
    assert ('value="ask_provider"' in shown, 'value="write_answer"' in shown) == (asks, asks)
    assert ('value="clear_flag"' in shown) is (role == "supervisor")


# --- Threats -------------------------------------------------------------------------------------------------


def flags() -> list[tuple[str, Any]]:
    return [(flag.words, flag.message_id) for flag in Flag.objects.order_by("id")]


def test_buyers_and_sellers_threats_are_flagged_with_the_message(api: Api, cast: Cast) -> None:
    request = make_request(cast, state="manual_review")
    path = f"/api/v1/refund-requests/{request.number}/messages/"
    api.sign_in(cast.buyer).post(path, {"text": f"你好。{THREAT}！我还要起诉。"})
    say_as_seller(number=request.number, user=cast.seller_user, text="I will sue you.", now=timezone.now())
    first, second = request.messages.order_by("id")
    assert flags() == [(f"{THREAT} … 我还要起诉", first.pk), ("I will sue you", second.pk)]


def test_what_staff_write_and_harmless_words_are_not_flagged(api: Api, cast: Cast) -> None:
    request = make_request(cast, state="manual_review")
    say_as_staff(number=request.number, user=cast.reviewer, text="They will sue you.", now=timezone.now())
    path = f"/api/v1/refund-requests/{request.number}/messages/"
    assert api.sign_in(cast.buyer).post(path, {"text": "我已经在银行申请退款了吗？"}).status_code == 201
    assert flags() == []


def test_description_is_flagged_by_the_check_and_once(cast: Cast) -> None:
    request = to_judge(cast, THREAT)
    assert flags() == [(THREAT, None)]
    flagging.flag_threats(request, request.description, timezone.now())
    assert flags() == [(THREAT, None)]


@pytest.mark.parametrize("reason", ["not_activated", "invalid_code", "other"])
def test_a_threat_changes_no_decision(reason: str, cast: Cast) -> None:
    """The same request twice, once with a threat: state, clock, amount and findings are the same."""
    now = timezone.now()
    outcomes = []
    for description in ("提示无效", f"提示无效。{THREAT}"):
        order = make_order(
            shop=cast.shop, buyer=cast.buyer, seller=cast.seller, events=[("delivered", hours(-3))], now=now
        )
        request = file(order, reason=reason, description=description, now=now)
        precheck(request.pk, now)
        request.refresh_from_db()
        decision = request.decisions.get()
        results = [(each["rule"], each["result"], each["key"]) for each in decision.findings]
        outcomes.append((request.state, request.due_at, request.approved_amount, decision.outcome, results))
    assert outcomes[0] == outcomes[1]
    assert len(flags()) == 1


def test_legal_queue_holds_standing_flags_until_a_supervisor_clears_them(
    cast: Cast, desk: Client, signed_in: SignIn
) -> None:
    request = to_judge(cast, THREAT)
    make_request(cast, state="manual_review")
    assert queue_counts(timezone.now(), cast.supervisor)["legal"] == 1
    listed = desk.get(QUEUE, {"queue": "legal"}).context["cl"].result_list
    assert [row.number for row in listed] == [request.number]
    assert THREAT in page(desk, request)

    flag = Flag.objects.get()
    data = {"move": "clear_flag", "flag": str(flag.pk), "note": "Answered by counsel."}
    assert desk.post(url_of(request), data).status_code == 403
    supervisor = signed_in(cast.supervisor)
    assert supervisor.post(url_of(request), {**data, "note": " "}).status_code == 422
    assert queue_counts(timezone.now(), cast.supervisor)["legal"] == 1
    assert supervisor.post(url_of(request), data).status_code == 302
    flag.refresh_from_db()
    assert (flag.cleared_by, flag.note) == (cast.supervisor, "Answered by counsel.")
    assert queue_counts(timezone.now(), cast.supervisor)["legal"] == 0
    shown = page(desk, request)
    assert "Flag cleared" in shown
    assert "Answered by counsel." in shown
    assert supervisor.post(url_of(request), data).status_code == 409


def test_flag_is_cleared_in_its_own_case_and_by_the_role_alone(cast: Cast) -> None:
    request, other = to_judge(cast, THREAT), make_request(cast, state="manual_review")
    flag, now = Flag.objects.get(), timezone.now()
    clear = {"flag_id": flag.pk, "note": "x", "now": now}
    with pytest.raises(NotFound):
        flagging.clear_flag(number=other.number, user=cast.supervisor, **clear)
    for user in (cast.reviewer, cast.support, cast.finance, cast.auditor, cast.seller_user):
        with pytest.raises(NotPermitted):
            flagging.clear_flag(number=request.number, user=user, **clear)
    flag.refresh_from_db()
    assert flag.cleared_at is None


def test_legal_queue_is_read_from_the_standing_flags(cast: Cast) -> None:
    rows = RefundRequest.objects.filter(QUEUES["legal"].picks(timezone.now(), cast.supervisor)).order_by("id")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = rows.explain()
    assert "flag_standing" in plan


# --- Description ---------------------------------------------------------------------------------------------


def test_case_page_says_what_the_description_lacks(cast: Cast, desk: Client) -> None:
    shown = page(desk, to_judge(cast, "坏了"))
    assert "Say what happened" in shown
    assert "Say on which account" in shown
    assert "Not said" not in page(desk, to_judge(cast, "提示“兑换码无效”，账号 abc123"))
    assert "Say on which account" not in page(desk, to_judge(cast, "坏了", target={"account": "abc123"}))


def missing(answer: Any) -> list[str]:
    return [part["code"] for part in answer.json()["description_missing"]]


def test_buyer_is_told_before_and_after_filing_and_never_refused(api: Api, cast: Cast) -> None:
    order = make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=9900, events=[("delivered", hours(-3))]
    )
    buyer, path = api.sign_in(cast.buyer), f"/api/v1/orders/{order.no}/refund-eligibility/"
    ask: dict[str, str] = {"reason": "invalid_code"}
    assert missing(buyer.get(path, ask)) == []  # nothing was written, so nothing is judged
    assert missing(buyer.get(path, {**ask, "description": ""})) == ["symptom", "account_or_server"]
    vague = buyer.get(path, {**ask, "description": "坏了"}, headers=ENGLISH)
    assert missing(vague) == ["symptom", "account_or_server"]
    assert vague.json()["description_missing"][0]["text"].startswith("Say what happened")
    filed = buyer.post("/api/v1/refund-requests/", {"order": order.no, **ask, "description": "坏了"})
    assert filed.status_code == 201
    assert missing(filed) == ["symptom", "account_or_server"]
    assert "description_missing" not in buyer.get(f"/api/v1/refund-requests/{filed.json()['number']}/").json()


def test_form_fields_and_chosen_units_count_as_said(api: Api, cast: Cast) -> None:
    order = make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=20000, quantity=2,
        events=[("delivered", hours(-3))],
    )  # fmt: skip
    buyer, path = api.sign_in(cast.buyer), f"/api/v1/orders/{order.no}/refund-eligibility/"
    ask = {"reason": "invalid_code", "description": "提示无效"}
    assert missing(buyer.get(path, ask)) == ["goods", "account_or_server"]
    assert missing(buyer.get(path, {**ask, "units": "2"})) == ["account_or_server"]
    body = {"order": order.no, **ask, "units": ["2"], "details": {"account": "abc123"}}
    assert missing(buyer.post("/api/v1/refund-requests/", body)) == []


def test_one_click_asks_nothing(api: Api, cast: Cast) -> None:
    orders = [
        make_order(shop=cast.shop, buyer=cast.buyer, seller=cast.seller, events=[("delivered", hours(-3))])
        for _ in range(2)
    ]
    buyer = api.sign_in(cast.buyer)
    preview = f"/api/v1/orders/{orders[0].no}/refund-eligibility/"
    assert missing(buyer.get(preview, {"reason": "not_activated", "description": ""})) == []
    assert missing(buyer.post(f"/api/v1/orders/{orders[0].no}/one-click-refund/")) == []
    assert (
        missing(buyer.post("/api/v1/refund-requests/", {"order": orders[1].no, "reason": "not_activated"}))
        == []
    )


def test_letter_is_no_part_of_what_the_buyer_reads(api: Api, cast: Cast) -> None:
    request = make_request(cast, state="manual_review")
    letter(request, cast.reviewer, words="Between the two of us.")
    seen = api.sign_in(cast.buyer).get(f"/api/v1/refund-requests/{request.number}/").content.decode()
    assert "Between the two of us." not in seen
