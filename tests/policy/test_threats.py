"""Threats in messages (F10), and what only sounds like one."""

from __future__ import annotations

import pytest

from refunds.policy.threats import LONGEST_QUOTE, threats

C, L, P, R, M = "chargeback", "court", "police", "regulator", "media"

TABLE: list[tuple[str, set[str]]] = [
    # Chinese, meant
    ("再不退款我就打12315投诉你们", {R}),
    ("不处理的话我去消费者协会投诉", {R}),
    ("已经向12315举报了，等着吧", {R}),
    ("12345见", {R}),
    ("我要起诉你们！", {L}),
    ("不退就法院见", {L}),
    ("等着收律师函吧", {L}),
    ("我会走法律途径解决", {L}),
    ("告你们信不信", {L}),
    ("保留追究法律责任的权利", {L}),
    ("明天我就去派出所报案", {P}),
    ("再这样我报警了", {P}),
    ("别逼我报警", {P}),
    ("难道要我报警你们才退吗？", {P}),
    ("我已经报警了，警察会联系你们", {P}),
    ("我会让银行把这笔钱追回来", {C}),
    ("不退我就申请拒付", {C}),
    ("我要去支付宝投诉商家", {C}),
    ("已经联系信用卡中心发起争议", {C}),
    ("不退款就曝光你们", {M}),
    ("我发到抖音上让大家看看", {M}),
    ("黑猫投诉见", {M}),
    ("我认识记者，马上找媒体", {M}),
    ("再不处理，我就报警并且打12315投诉", {P, R}),
    ("这是诈骗，我要报公安", {P}),
    ("等着上法庭吧", {L}),
    ("我朋友是记者，会来报道的", set()),  # the threat is in the second clause, whose subject is in the first
    ("否则走司法程序", {L}),
    ("记者会来报道这件事", {M}),
    ("派出所见吧", {P}),
    ("我现在就打110", {P}),
    ("12315工单已经提交", {R}),
    ("信用卡我已经申请争议了", {C}),
    ("你们等着当被告吧", {L}),
    ("让全网知道你们是骗子", {M}),
    ("律师已经在准备材料了", {L}),
    ("我发帖让大家避雷", {M}),
    # Chinese, not meant
    ("拒付是什么意思", set()),
    ("请问报警电话多少", set()),
    ("12315是官方电话吗", set()),
    ("我没有报警", set()),
    ("我不想打12315", set()),
    ("订单号12315", set()),
    ("法院见证版皮肤没收到", set()),
    ("我看到新闻媒体报道你们关服", set()),
    ("我已经在银行申请退款了吗？", set()),
    ("银行显示扣款成功", set()),
    ("12315是什么？", set()),
    ("请问需要报警回执吗？", set()),
    ("可以提供报案证明作为证据吗", set()),
    ("我不会起诉的，只想退款", set()),
    ("我不想报警，大家好好说", set()),
    ("没必要去法院", set()),
    ("我买的是报警器皮肤", set()),
    ("照片曝光过度看不清", set()),
    ("账号12315678登录不上", set()),
    ("请告诉我什么时候到账", set()),
    ("转告你们老板一声谢谢", set()),
    ("请把客服微信发给我", set()),
    ("客服让我去报警", set()),
    ("怎么申请拒付？", set()),
    ("什么是拒付？", set()),
    ("我在微博上看到的这家店", set()),
    ("支付宝付款的，还没到账", set()),
    ("起诉状模板这个商品打不开", set()),
    ("卖家威胁要起诉我", set()),
    # English, meant
    ("I will sue you.", {L}),
    ("You will hear from my lawyer", {L}),
    ("Refund me or I take legal action", {L}),
    ("See you in court!", {L}),
    ("I'm going to file a chargeback tomorrow", {C}),
    ("I’ll call my bank and reverse the charge", {C}),
    ("I am disputing this with my bank.", {C}),
    ("Refund, or I report this to the police", {P}),
    ("I have filed a police report", {P}),
    ("I will report you to consumer protection", {R}),
    ("Next step: a complaint with the FTC", {R}),
    ("I'm posting this on social media", {M}),
    ("I will go to the press", {M}),
    ("Do I have to call the police to get my money?", {P}),
    ("Paypal dispute is next", {C}),
    ("I have already opened a chargeback", {C}),
    ("I'm filing with the BBB", {R}),
    ("I'll leave this all over Reddit", {M}),
    ("Chargeback filed.", {C}),
    ("I'm calling my credit card company to dispute this", {C}),
    ("The cops will be informed", {P}),
    ("I'll make a video about you on YouTube", {M}),
    ("Legal action will follow", {L}),
    ("My bank will reverse this", {C}),
    ("I've contacted the police about this fraud", {P}),
    ("I am going public with this", {M}),
    # English, not meant
    ("I don't want to do a chargeback", set()),
    ("I won't sue you, just fix it", set()),
    ("What is a chargeback?", set()),
    ("Does my bank need to confirm the refund?", set()),
    ("The Police Simulator key is invalid", set()),
    ("My bank shows the payment", set()),
    ("Sue from support told me to wait", set()),
    ("The court skin is missing", set()),
    ("Should I file a police report as evidence?", set()),
    ("The media player licence does not work", set()),
    ("Support told me to contact the police", set()),
    ("There is no need to go to court", set()),
]


@pytest.mark.parametrize(("text", "kinds"), TABLE)
def test_threat_is_found_and_a_mention_is_not(text: str, kinds: set[str]) -> None:
    assert {threat.kind for threat in threats(text)} == kinds


def test_the_clause_is_quoted_as_it_was_written() -> None:
    (threat,) = threats("你好，订单没到。再不退款我就打12315投诉你们！谢谢")
    assert threat.words == "再不退款我就打12315投诉你们"
    (threat,) = threats("Hello. I WILL SUE YOU. Thanks")
    assert threat.words == "I WILL SUE YOU"
    (threat,) = threats("我要起诉" + "啊" * 500)
    assert len(threat.words) == LONGEST_QUOTE


def test_a_denial_covers_its_own_clause_alone() -> None:
    assert [threat.words for threat in threats("我不会报警，但是会起诉你们")] == ["但是会起诉你们"]


def test_long_text_is_read_in_no_time() -> None:
    """Nothing in the patterns may run away on what a person can send (4000 characters)."""
    import time

    for text in (
        "找" * 4000,
        "post " * 800,
        "disput" * 660,
        "告" * 4000,
        "去" * 2000 + "拒付",
        "not " * 1000,
    ):
        began = time.perf_counter()
        threats(text)
        assert time.perf_counter() - began < 0.25


def test_the_table_is_large_and_half_of_it_is_harmless() -> None:
    assert len(TABLE) >= 40
    assert sum(not kinds for _text, kinds in TABLE) >= 20
    assert {kind for _text, kinds in TABLE for kind in kinds} == {C, L, P, R, M}
