"""A card code said to be used: refused, checked with the provider, rejected, appealed against, and divided by a panel."""

from collections.abc import Iterator

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings

from marketplace.ledger.models import PLATFORM
from tests.channels.provider import LocalProvider
from tests.contested import arbiter
from tests.evidence import FORM, form
from tests.refunds.hostile.parts import png

from .sides import Staff
from .story import REVIEWER_MAY, SELLER_MAY, Story, at

PANEL_MAY = {"vote_for_buyer", "vote_for_seller"}


@pytest.fixture
def provider() -> Iterator[LocalProvider]:
    """The recharge partner, over its real signed protocol."""
    server = LocalProvider()
    with server.running(), override_settings(PROVIDER=server.settings()):
        yield server


def test_contested_code_is_divided_by_a_panel(story: Story, provider: LocalProvider) -> None:
    number = _filed_and_refused(story)
    _provider_is_asked(story, provider)
    _evidence_is_asked_for_and_given(story)
    _rejected_and_appealed(story)
    panel = _taken_to_arbitration(story)
    _ruled(story, panel)

    # Final: no side can go on from here.
    assert story.says("appeal", {"clauses": ["B3"], "text": "Too little."}, 409)["code"] == "already_appealed"
    assert story.says("request-person", expect=409)["code"] == "invalid_transition"
    refused = story.answers("appeal", 409, clauses="B3", text="It was used.")
    assert "The ruling in arbitration is final" in refused.content.decode()
    before = story.read()["timeline"]
    story.supervisor.do(number, "hear_appeal", 409, note="Once more.")
    assert story.read()["timeline"] == before

    # What the buyer does not get is the seller's with the next settlement, less the commission: 1.04 of 41.72.
    seller = story.cast.seller.code
    assert story.books() == {("clearing", "alipay"): 4172, ("escrow", seller): -4172}
    story.wall.until(11, 4)
    assert story.books() == {
        ("clearing", "alipay"): 4172,
        ("platform_fee", PLATFORM): -104,
        ("payable", seller): -4068,
    }
    assert "40.68" in story.seller.get("/portal/money/")
    assert story.history() == [
        ("02 09:30:00", "file", "buyer"),
        ("02 09:30:00", "precheck", "system"),
        ("02 09:30:00", "policy_ask_seller", "system"),
        ("02 11:00:00", "refuse", "seller"),
        ("02 14:00:00", "ask_evidence", "reviewer"),
        ("03 14:00:00", "give_evidence", "buyer"),
        ("04 10:00:00", "reject", "reviewer"),
        ("06 11:00:00", "escalate", "supervisor"),
        ("10 09:00:00", "rule_for_buyer", "arbiter"),
        ("10 09:00:00", "pay", "system"),
        ("10 09:00:00", "settle", "system"),
    ]
    assert story.buyer.told() == [
        "request_filed", "seller_asked", "with_reviewer", "evidence_wanted", "message_received", "with_reviewer",
        "rejected", "in_arbitration", "progress", "approved", "refunded",
    ]  # fmt: skip
    assert story.seller.told(number) == [
        "Answer refund request N", "Refund request N rejected", "The buyer appeals in N", "N is in arbitration",
        "Refund approved: N", "Paid back: N",
    ]  # fmt: skip
    story.is_sound()


def _filed_and_refused(story: Story) -> str:
    story.push(goods_type="card_code", fen=8888, secret="CODE")
    story.wall.until(2, 9, 5)
    assert story.buyer.post(f"orders/{story.order}/units/1/reveal/", expect=200)["code"] == "CODE-1"
    story.wall.until(2, 9, 30)
    story.file("invalid_code", "The game says: already used. Account hero-1, server East 3.")
    story.wall.a_moment()
    story.all_see(
        "awaiting_seller", {"seller_reply": at(3, 9, 30)}, seller=SELLER_MAY, reviewer={"take_over"}
    )

    story.wall.until(2, 11)
    log = SimpleUploadedFile("log.png", png(1))
    story.answers("evidence", kind="provider_statement", note="Our log of the code.", file=log)
    story.answers("refuse", 422, ground="already_used", note=" ")
    story.answers("refuse", ground="already_used", note="Redeemed seven minutes after it was revealed.")
    # Seven hours of Monday and one of Tuesday: a first word of a person. Three working days: a decision.
    owed = {"first_reply": at(3, 10), "review": at(5, 11)}
    story.all_see("manual_review", owed, seller={"sealed"}, reviewer=REVIEWER_MAY)
    [given] = story.read()["evidence"]
    assert (given["by"], given["kind"]) == ("seller", "provider_statement")
    assert "The goods were used: Redeemed seven minutes" in story.seller.case(story.number)
    return story.number


def _provider_is_asked(story: Story, provider: LocalProvider) -> None:
    provider.credits["CODE-1"] = {"credited_at": at(2, 9, 12).isoformat(), "reference": "T-1"}
    story.wall.until(2, 13)
    story.reviewer.do(story.number, "ask_provider", unit="1")
    story.wall.a_moment()
    assert [asked["code"] for asked in provider.asked] == ["CODE-1"]
    page = story.reviewer.case(story.number)
    assert "Provider says: credited at 2026-03-02 09:12" in page
    assert "CODE-1" not in page
    assert "Recharge Co." not in story.seller.case(story.number) + str(story.read())
    # An answer moves no case, and is no word to the buyer: that one is owed still.
    owed = {"first_reply": at(3, 10), "review": at(5, 11)}
    story.all_see("manual_review", owed, seller={"sealed"}, reviewer=REVIEWER_MAY)


def _evidence_is_asked_for_and_given(story: Story) -> None:
    """The reviewer's clock stands still while the buyer's runs: it goes on with the 69 hours it had left."""
    wall, number = story.wall, story.number
    wall.until(2, 14)
    asked = {"of": "buyer", "kinds": ["error_screen"], "note": "The message, with its time."}
    story.reviewer.do(number, "ask_evidence", **asked)
    wall.a_moment()
    waits = {"evidence": at(4, 14)}
    story.all_see("awaiting_evidence", waits, seller=set(), reviewer={"resume"})
    assert story.read()["evidence_asked"]["kinds"] == ["error_screen"]

    wall.until(3, 10)
    story.answers("messages", text="It was redeemed, as I said.")
    wall.a_moment()
    story.all_see(
        "awaiting_evidence", waits, seller=set(), reviewer={"resume"}
    )  # the other side answers nothing

    wall.until(3, 14)
    file = form(("kind", "error_screen", None), ("note", "", None), ("file", png(2), "screen.png"))
    story.says("evidence", file, content_type=FORM)
    wall.a_moment()
    story.all_see("manual_review", {"review": at(6, 11)}, seller={"sealed"}, reviewer=REVIEWER_MAY)


def _rejected_and_appealed(story: Story) -> None:
    wall, number = story.wall, story.number
    wall.until(4, 10)
    story.reviewer.do(number, "reject", 422, note="It was used.", fault="seller", clause="B3")
    story.reviewer.do(number, "reject", note="Credited after it was revealed.", fault="buyer", clause="B3")
    wall.a_moment()
    story.all_see("rejected", {}, seller=set(), reviewer=set())
    assert (story.read()["judgement"]["outcome"], story.read()["judgement"]["clause"]) == ("reject", "B3")
    newest = story.buyer.get("notifications/").json()["results"][0]
    assert (newest["topic"], newest["data"]["clause"]) == ("rejected", "B3")

    wall.until(5, 10)
    appeal = {"clauses": ["B3", "A4"], "text": "Seen is not used: the log names another server."}
    assert story.says("appeal", {**appeal, "clauses": []}, 400)["code"] == "validation_error"
    filed = story.says("appeal", appeal)["appeal"]
    assert (filed["clauses"], filed["due_at"], filed["outcome"]) == (
        ["B3", "A4"],
        "2026-03-10T10:00:00+08:00",
        None,
    )
    assert story.says("appeal", appeal, 409)["code"] == "already_appealed"
    story.all_see("rejected", {}, seller=set(), reviewer=set())
    assert "names another server" in story.seller.case(number)


def _taken_to_arbitration(story: Story) -> list[Staff]:
    wall, number = story.wall, story.number
    panel = [Staff(arbiter()) for _ in range(3)]
    wall.until(6, 11)
    # The hold of three days is over, but an appeal waits: nothing was settled in the night.
    assert story.books() == {("clearing", "alipay"): 8888, ("escrow", story.cast.seller.code): -8888}
    page = story.supervisor.appeal(number)
    story.reviewer.post(page, {"move": "escalate", "note": "Let others see."}, 403)
    story.supervisor.post(page, {"move": "escalate", "note": "The log leaves a doubt."})
    wall.a_moment()
    rules_by = {"arbitration": at(17, 11)}  # seven working days
    story.all_see("arbitration", rules_by, seller=set(), reviewer=set())
    assert story.read()["appeal"]["outcome"] == "escalated"

    assert all(each.is_kept_out(number) for each in panel)
    for each in panel:
        story.reviewer.do(number, "appoint", 403, arbiter=each.user.pk)
        story.supervisor.do(number, "appoint", arbiter=each.user.pk)
    for each in panel:
        assert each.sees(number) == ("arbitration", rules_by, PANEL_MAY)
    assert story.supervisor.sees(number) == ("arbitration", rules_by, set())
    return panel


def _ruled(story: Story, panel: list[Staff]) -> None:
    """Two of three for the buyer: the middle of 44.33 and 50.00, rounded down; the last of them divides the fault."""
    wall, number = story.wall, story.number
    first, second, third = panel
    wall.until(9, 10)
    shares = {"shares_seller": "60", "shares_buyer": "40"}
    first.do(number, "vote_for_buyer", note="Half a proof.", fault="seller", amount="44.33", **shares)
    second.do(number, "vote_for_seller", note="It was credited.", fault="buyer", clause="B3")
    assert "44.33" in second.case(number)
    assert "44.33" not in third.case(number)
    assert second.sees(number).may == set()
    assert story.read()["state"] == "arbitration"

    wall.until(10, 9)
    shares = {"shares_seller": "70", "shares_buyer": "30"}
    third.do(number, "vote_for_buyer", note="The seller kept no log.", fault="seller", amount="50", **shares)
    wall.a_moment()
    story.all_see("refunded", {}, seller=set(), reviewer=set())
    case = story.read()
    assert case["approved_amount"]["amount"] == 4716
    assert (case["judgement"]["outcome"], case["judgement"]["fault_shares"]) == (
        "part",
        {"seller": 70, "buyer": 30},
    )
    assert [paid["amount"]["amount"] for paid in case["refund"]["transfers"]] == [4716]
    for page in (story.seller.case(number), story.reviewer.case(number)):
        assert "The seller 70 %, The buyer 30 %" in page
        assert "CNY 47.16" in page
