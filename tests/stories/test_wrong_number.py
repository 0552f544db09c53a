"""Recharged to the wrong number: new goods are declined, and sealed offers settle the case in the middle."""

from marketplace.ledger.models import PLATFORM

from .story import REVIEWER_MAY, SELLER_MAY, Story, at


def test_wrong_number_is_settled_by_sealed_offers(story: Story) -> None:
    wall, seller = story.wall, story.cast.seller.code
    story.push(goods_type="direct_topup", fen=10001, target={"account": "player-7", "server": "East 3"})
    wall.until(2, 10)
    story.file(
        "wrong_recharge", "It went to player-7, not to player-8.", remedy="replacement",
        details={"account": "player-8", "server": "East 3"},
    )  # fmt: skip
    wall.a_moment()
    story.all_see("awaiting_seller", {"seller_reply": at(3, 10)}, seller=SELLER_MAY, reviewer={"take_over"})

    wall.until(2, 12)
    story.answers("replacement", 422, codes="", note=" ")
    story.answers("replacement", codes="", note="Recharged again, to player-8.")
    wall.a_moment()
    story.all_see("awaiting_buyer", {"buyer_reply": at(4, 12)}, seller={"sealed"}, reviewer=set())
    offer = story.read()["offer"]
    assert (offer["kind"], offer["state"], offer["units"]) == ("replacement", "open", ["1-R1"])

    wall.until(3, 9)
    story.says("respond-offer", {"accept": False, "note": "Nothing came to player-8."}, 200)
    wall.a_moment()
    owed = {"first_reply": at(3, 17), "review": at(6, 9)}
    story.all_see("manual_review", owed, seller={"sealed"}, reviewer=REVIEWER_MAY)
    assert story.says("respond-offer", {"accept": True}, 409)["code"] == "invalid_transition"
    assert story.read()["offer"]["state"] == "declined"

    # Each side says its number once, and nobody learns the other's.
    wall.until(3, 11)
    story.answers("sealed", amount="60.01")
    story.answers("sealed", amount="10.00")
    assert "You have made your sealed offer in this case." in story.seller.case(story.number)
    wall.a_moment()
    assert story.read()["sealed_offers"] == {"buyer": False, "seller": True, "result": None}
    story.all_see("manual_review", owed, seller=set(), reviewer=REVIEWER_MAY)
    wall.until(3, 12)
    story.says("sealed-offer", {"amount": {"amount": 4000, "currency": "CNY"}})
    wall.a_moment()
    story.all_see("refunded", {}, seller=set(), reviewer=set())
    case = story.read()
    assert case["approved_amount"] == {"amount": 5001, "currency": "CNY"}  # half a fen goes up
    assert case["sealed_offers"] == {"buyer": True, "seller": True, "result": "settled"}
    assert case["judgement"] is None
    assert "60.01" not in str(case) and "6001" not in str(case)
    for page in (story.seller.case(story.number), story.seller.get("/portal/notices/")):
        assert "40.00" not in page

    # The rest stays in escrow for the hold of three days, and is the seller's with the first settlement after it.
    held = {("clearing", "alipay"): 5000, ("escrow", seller): -5000}
    wall.until(6, 2, 59, 59)
    assert story.books() == held
    wall.until(6, 3)
    assert story.books() == {
        ("clearing", "alipay"): 5000,
        ("platform_fee", PLATFORM): -125,
        ("payable", seller): -4875,
    }
    assert "48.75" in story.seller.get("/portal/money/")
    assert story.buyer.told() == [
        "request_filed", "seller_asked", "offer_made", "with_reviewer", "sealed_settled", "refunded",
    ]  # fmt: skip
    assert story.seller.told(story.number) == [
        "Answer refund request N", "A reviewer decides about N", "Settled by sealed offers: N", "Paid back: N",
    ]  # fmt: skip
    assert story.history() == [
        ("02 10:00:00", "file", "buyer"),
        ("02 10:00:00", "precheck", "system"),
        ("02 10:00:00", "policy_ask_seller", "system"),
        ("02 12:00:00", "offer", "seller"),
        ("03 09:00:00", "decline_offer", "buyer"),
        ("03 12:00:00", "settle_sealed", "system"),
        ("03 12:00:00", "pay", "system"),
        ("03 12:00:00", "settle", "system"),
    ]
    story.is_sound()
