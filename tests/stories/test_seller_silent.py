"""A seller says nothing for a day: the platform steps in, decides without them, and the buyer has the money back."""

from marketplace.ledger.models import PLATFORM

from .story import REVIEWER_MAY, SELLER_MAY, Story, at


def test_seller_silent_for_a_day(story: Story) -> None:
    wall, seller = story.wall, story.cast.seller.code
    story.push(goods_type="card_code", fen=19901, units=2, secret="CODE")
    wall.until(2, 9, 30)
    shown = story.buyer.post(f"orders/{story.order}/units/1/reveal/", expect=200)
    assert shown["code"] == "CODE-1"

    wall.until(2, 10)
    story.file("invalid_code", "The game says the code was never valid. Account hero-1.", units=["1"])
    wall.a_moment()
    number = story.number
    asked = {"seller_reply": at(3, 10)}
    story.all_see("awaiting_seller", asked, seller=SELLER_MAY, reviewer={"take_over"})
    assert story.buyer.told() == ["request_filed", "seller_asked"]
    assert story.seller.told(number) == ["Answer refund request N"]
    # Nobody decides meanwhile but the seller: the buyer has nothing to appeal against, the reviewer no decision to make.
    refused = story.says("appeal", {"clauses": ["B3"], "text": "Hurry."}, 409)
    assert (refused["code"], refused["from"]) == ("invalid_transition", "awaiting_seller")
    story.reviewer.do(number, "approve", 409, note="It is clear.", fault="seller")

    # The last second of the day is the seller's still.
    wall.until(3, 9, 59, 59)
    story.all_see("awaiting_seller", asked, seller=SELLER_MAY, reviewer={"take_over"})
    assert "less than a minute left" in story.seller.case(number)

    # With the next one the platform has stepped in. A first word of a person is owed by six, a decision by Friday.
    wall.until(3, 10)
    owed = {"first_reply": at(3, 18), "review": at(6, 10)}
    story.all_see("manual_review", owed, seller={"sealed"}, reviewer=REVIEWER_MAY)
    assert "You did not answer in time; the platform stepped in" in story.seller.case(number)
    late = story.answers("agree", 302)
    assert late["Location"] == f"/portal/cases/{number}/"
    assert story.read()["state"] == "manual_review"
    wall.a_moment()
    assert story.buyer.told()[2:] == ["with_reviewer"]
    assert story.seller.told(number)[1:] == ["A reviewer decides about N"]

    wall.until(3, 15)
    story.reviewer.do(number, "say", text="I am checking the code with its log.")
    wall.a_moment()
    story.all_see("manual_review", {"review": at(6, 10)}, seller={"sealed"}, reviewer=REVIEWER_MAY)
    assert story.read()["messages"][0]["text"] == "I am checking the code with its log."

    # Two days without news: the buyer is told that nothing has happened, once, by the next hourly run.
    wall.until(5, 15, 59, 59)
    assert story.buyer.told()[3:] == ["message_received"]
    wall.until(5, 17)
    assert story.buyer.told()[4:] == ["progress"]

    wall.until(6, 9)
    assert story.books() == {
        ("clearing", "alipay"): 19901,
        ("escrow", seller): -19901,
    }
    story.reviewer.do(number, "approve", note="The log shows no such code.", fault="seller")
    wall.a_moment()
    story.all_see("refunded", {}, seller={"appeal"}, reviewer=set())
    case = story.read()
    assert case["approved_amount"] == {"amount": 9951, "currency": "CNY"}
    assert (case["judgement"]["fault"], case["judgement"]["outcome"]) == ("seller", "approve")
    [paid] = case["refund"]["transfers"]
    assert (paid["channel"], paid["state"], paid["amount"]["amount"]) == ("alipay", "succeeded", 9951)
    assert "Fault: yours. The refund is forced and needs no agreement." in story.seller.case(number)
    assert "Forced refund" in story.reviewer.case(number)
    assert story.buyer.told()[5:] == ["approved", "refunded"]
    assert story.seller.told(number)[2:] == ["New message in N", "Refund approved: N", "Paid back: N"]

    # The unit nobody contested is the seller's with the next settlement, less the commission: 2.49 of 99.50.
    wall.until(7, 4)
    assert story.books() == {
        ("clearing", "alipay"): 9950,
        ("platform_fee", PLATFORM): -249,
        ("payable", seller): -9701,
    }
    assert "97.01" in story.seller.get("/portal/money/")
    assert story.history() == [
        ("02 10:00:00", "file", "buyer"),
        ("02 10:00:00", "precheck", "system"),
        ("02 10:00:00", "policy_ask_seller", "system"),
        ("03 10:00:00", "seller_silent", "system"),
        ("06 09:00:00", "approve", "reviewer"),
        ("06 09:00:00", "pay", "system"),
        ("06 09:00:00", "settle", "system"),
    ]
    story.is_sound()
