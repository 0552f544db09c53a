"""What notices say: in both languages, for any data, and never what they should not know."""

import re
import string
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from marketplace.notices.case_words import AUTHORS, RULES, WAITS_FOR, WHY
from marketplace.notices.texts import WORDS, Rendered, render

WHOLE: dict[str, Any] = {
    "number": "RF261120K7M2Q9XA", "order": "OD261104P3H8W2LC", "external_no": "DJ-1", "state": "manual_review",
    "event": "refuse", "reason": "invalid_code", "amount": {"amount": 4900, "currency": "CNY"},
    "approved": {"amount": 4000, "currency": "CNY"}, "clause": "B6", "rule": "window", "by": "seller",
    "closes_at": "2026-11-19T10:00:00+08:00", "due_at": "2026-11-21T09:30:00+08:00", "due_kind": "review", "host": "x.example",
    "reasons": "The log shows its use.",
    "goods_type": "card_code", "policy": "card_code@2", "in_force_at": "2026-12-12T00:00:00+08:00",
}  # fmt: skip
LANGUAGES = ("zh-hans", "en")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("topic", "kind"), sorted(WORDS))
def test_every_notice_has_a_title_the_facts_and_a_next_step(topic: str, kind: str, language: str) -> None:
    with translation.override(language):
        text = render(topic, kind, WHOLE)
        then = str(WORDS[topic, kind].then)
    assert text.title
    assert "%(" not in text.title + text.body
    assert then in text.lines
    if topic != "endpoint_disabled":
        assert WHOLE["number"] in text.title + text.body
        assert "B6" in text.body
        assert "2026-11-21 09:30" in text.body
        assert "2026-11-19 10:00" in text.body
    assert len(text.title) <= 80


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_in_the_tables_is_said(language: str) -> None:
    with translation.override(language):
        for event, why in WHY.items():
            if event != "request_person":
                assert str(why) in render("with_reviewer", "seller", WHOLE | {"event": event}).body
        for state, stands in WAITS_FOR.items():
            assert str(stands) in render("progress", "buyer", WHOLE | {"state": state}).body
        for author, words in AUTHORS.items():
            assert str(words) in render("message_received", "buyer", WHOLE | {"by": author}).body
        for rule, words in RULES.items():
            assert str(words) in render("rejected", "buyer", WHOLE | {"rule": rule}).body


def test_the_seller_is_not_called_you_where_the_buyer_asked_for_a_person() -> None:
    with translation.override("en"):
        data = WHOLE | {"event": "request_person"}
        assert "You asked for a person." in render("with_reviewer", "buyer", data).body
        assert "The buyer asked for a person." in render("with_reviewer", "seller", data).body


ODD = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "%s",
            "%(number)s",
            "%",
            "{0}",
            "{{ x }}",
            "<script>alert(1)</script>",
            "a\r\nBcc: x@y",
            "\u202e",
            "𠮷",
        ]
    ),
    st.text(alphabet=string.punctuation + "%(){}\n\r\0", max_size=20),
)


@given(
    data=st.fixed_dictionaries(
        {},
        optional={
            "number": ODD, "order": ODD, "clause": ODD, "rule": ODD, "event": ODD, "state": ODD, "by": ODD, "host": ODD,
            "external_no": ODD,
            "amount": st.builds(lambda n: {"amount": n, "currency": "CNY"}, st.integers(0, 2**53)),
            "approved": st.one_of(st.none(), st.just({"amount": 1, "currency": "JPY"})),
            "due_at": st.one_of(st.none(), st.datetimes().map(lambda at: at.isoformat() + "+08:00")),
            "unheard_of": ODD,
        },
    ),
    which=st.sampled_from(sorted(WORDS)),
    language=st.sampled_from(LANGUAGES),
)  # fmt: skip
def test_odd_names_break_no_text_no_header_and_no_page(
    data: dict[str, Any], which: tuple[str, str], language: str
) -> None:
    with translation.override(language):
        text = render(*which, data)
        page = render_to_string("notices/email.html", {"text": text, "language": language})
    assert text.title
    assert all(
        line and not re.search(r"[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", line)
        for line in [text.title, *text.lines]
    )
    shown = re.sub(r"<(/?(html|head|body|h1|p|small|title|a|meta|!doctype)\b[^<>]*)>", "", page)
    assert "<" not in shown
    assert text.plain().endswith("\n")


def test_link_leads_sellers_and_staff_to_the_case_and_buyers_nowhere(settings: Settings) -> None:
    assert render("approved", "seller", WHOLE).link == ""  # where nobody said what this site is called
    settings.SITE_URL = "https://refunds.example.com"
    assert (
        render("approved", "seller", WHOLE).link
        == f"https://refunds.example.com/portal/cases/{WHOLE['number']}/"
    )
    assert render("overdue", "user", WHOLE).link.startswith("https://refunds.example.com/admin/")
    assert render("approved", "buyer", WHOLE).link == ""
    assert render("approved", "seller", WHOLE).plain().splitlines()[-1].startswith("https://")


def test_link_in_a_mail_is_escaped() -> None:
    page = render_to_string(
        "notices/email.html", {"text": Rendered("t", ["l"], 'https://x/"><script>'), "language": "en"}
    )
    assert "<script>" not in page
