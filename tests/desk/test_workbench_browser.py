"""The workbench in a real browser: decided by keyboard alone, drafts that survive, the lightbox, the palette, a phone."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from marketplace.identity.models import Buyer
from refunds.models import Message, RefundRequest
from tests.browsers import Watched
from tests.cases import make_request
from tests.evidence import evidence_folder, give
from tests.judged import to_judge
from tests.people import Cast
from tests.refunds.hostile.parts import pdf, png

from .axe import assert_accessible
from .conftest import QUEUE, due_in, url_of

__all__ = ["evidence_folder"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("evidence_folder"),
]
LONG = "豪华典藏礼包含限定皮肤坐骑称号头像框" * 4 + "八十字名"
SAID = "兑换记录显示已在绑定账号使用。"


@pytest.fixture
def case(transactional_db: None, cast: Cast) -> RefundRequest:
    return due_in(to_judge(cast), 1)


def desk_page(browser: Browser, server: LiveServer, user: Any, width: int = 1440, **options: Any) -> Watched:
    options = {"locale": "zh-CN", "viewport": {"width": width, "height": 900}, **options}
    return Watched(browser, server, user, **options)


def test_case_is_decided_from_queue_to_next_case_by_keyboard_alone(
    browser: Browser, live_server: LiveServer, cast: Cast, case: RefundRequest
) -> None:
    after = due_in(make_request(cast, state="manual_review"), 2)
    watched = desk_page(browser, live_server, cast.reviewer)
    page, keys = watched.page, watched.page.keyboard
    page.goto(f"{live_server.url}{QUEUE}?queue=review")
    keys.press("n")
    page.wait_for_url(f"**{url_of(case)}*")
    keys.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("驳回")
    keys.press("Escape")
    keys.press("r")
    keys.press("ArrowDown")  # from the field to the clauses
    keys.press("Enter")
    assert page.evaluate("document.activeElement.id") == "reject-clause"
    assert page.input_value("#reject-clause")
    page.locator("#reject-fault").focus()
    for _ in ("platform", "buyer"):
        keys.press("ArrowDown")
    page.locator("#reject-note").focus()
    keys.type(f"a r n? {SAID}")  # no key acts while somebody types
    page.locator("details[open] [name=then]").focus()
    keys.press("Space")
    keys.press("Control+Enter")
    page.wait_for_url(f"**{url_of(after)}*")
    expect(page.locator("#desk-live")).to_contain_text("已驳回")
    case.refresh_from_db()
    after.refresh_from_db()
    assert (case.state, after.holder) == ("rejected", cast.reviewer)
    assert case.transitions.latest("sequence").note == f"a r n? {SAID}"
    keys.press("j")
    assert page.evaluate("document.activeElement.tagName") == "SECTION"
    keys.press("u")
    page.wait_for_url(f"**{QUEUE}?queue=review")
    assert (watched.complaints, watched.outside) == ([], [])


def test_keys_of_one_letter_can_be_switched_off(
    browser: Browser, live_server: LiveServer, cast: Cast, case: RefundRequest
) -> None:
    page = desk_page(browser, live_server, cast.reviewer).page
    page.goto(live_server.url + url_of(case))
    page.keyboard.press("?")
    page.uncheck("#desk-keys-on")
    page.keyboard.press("Escape")
    page.reload()
    page.keyboard.press("r")
    assert page.locator(".desk-move[open]").count() == 0
    page.keyboard.press("Control+k")
    expect(page.locator("#desk-palette-term")).to_be_focused()


def test_draft_survives_a_reload_and_goes_when_it_was_sent(
    browser: Browser, live_server: LiveServer, cast: Cast, case: RefundRequest
) -> None:
    page = desk_page(browser, live_server, cast.reviewer).page
    page.goto(live_server.url + url_of(case))
    page.keyboard.press("i")
    page.keyboard.type(SAID)
    page.reload()
    page.keyboard.press("i")
    assert page.input_value("#note-text") == SAID
    expect(page.locator(".desk-restored")).to_contain_text("已恢复")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".desk-said.desk-entry-internal")).to_contain_text(SAID)
    assert Message.objects.get(request=case).is_internal
    assert page.input_value("#note-text") == ""
    assert page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('recourse:draft'))") == []


def test_draft_is_its_writers_alone_and_ends_after_a_week(
    browser: Browser, live_server: LiveServer, cast: Cast, case: RefundRequest
) -> None:
    page = desk_page(browser, live_server, cast.reviewer).page
    page.goto(live_server.url + url_of(case))
    keep = "([key, days]) => localStorage.setItem(key, JSON.stringify({at: Date.now() - days * 864e5, fields: {text: 'x'}}))"
    others = f"recourse:draft:{cast.second_reviewer.pk}:{case.number}:say"
    page.evaluate(keep, [others, 1])
    page.evaluate(keep, [f"recourse:draft:{cast.reviewer.pk}:{case.number}:say", 8])
    page.reload()
    assert page.input_value("#say-text") == ""
    assert page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('recourse:draft'))") == [
        others
    ]


def test_letter_follows_the_form_in_the_buyers_language(
    browser: Browser, live_server: LiveServer, cast: Cast, case: RefundRequest
) -> None:
    Buyer.objects.filter(pk=cast.buyer.pk).update(region="US")
    page = desk_page(browser, live_server, cast.reviewer).page
    page.goto(live_server.url + url_of(case))
    page.keyboard.press("p")
    page.click("[data-amounts] [data-minor]")
    letter = page.locator(".desk-move[open] .desk-letter article")
    expect(letter).to_contain_text("CNY 99.00 were approved")
    page.fill("#approve_part-amount", "12.50")
    expect(letter).to_contain_text("CNY 12.50 were approved")
    page.locator(".desk-move[open] .desk-letter").get_by_text("中文").click()
    expect(letter).to_contain_text("¥12.50")
    expect(letter).to_have_attribute("lang", "zh-hans")


def test_lightbox_turns_zooms_and_closes_by_keyboard(
    browser: Browser, live_server: LiveServer, cast: Cast, case: RefundRequest
) -> None:
    give(case, cast.support, png())
    give(case, cast.support, pdf(), kind="payment_proof")
    watched = desk_page(browser, live_server, cast.reviewer)
    page, keys = watched.page, watched.page.keyboard
    page.goto(live_server.url + url_of(case))
    keys.press("l")
    box = page.locator("#desk-lightbox")
    expect(box.locator("img")).to_have_attribute("alt", re.compile("^1[.]"))
    assert_accessible(page)
    width = "document.querySelector('#desk-lightbox img').getBoundingClientRect().width"
    before = page.evaluate(width)
    keys.press("+")
    keys.press("+")
    assert page.evaluate(width) > before
    keys.press("ArrowRight")
    expect(box.locator("a")).to_have_attribute("href", re.compile("^/evidence/"))
    keys.press("ArrowRight")
    expect(box).to_contain_text("1 / 2")
    keys.press("Escape")
    expect(box).not_to_be_visible()
    assert (watched.complaints, watched.outside) == ([], [])


def test_palette_finds_a_case_by_number_a_page_by_name_and_an_action(
    browser: Browser, live_server: LiveServer, cast: Cast, case: RefundRequest
) -> None:
    watched = desk_page(browser, live_server, cast.reviewer, 390)
    page, keys = watched.page, watched.page.keyboard
    page.goto(f"{live_server.url}/admin/orders/order/{case.order_id}/change/")
    keys.press("/")
    keys.type(case.order.no)
    keys.press("Enter")  # before the answer is there
    page.wait_for_url(f"**{url_of(case)}*")
    keys.press("Control+k")
    keys.type("驳回")
    keys.press("Enter")
    expect(page.locator("#reject-clause")).to_be_focused()
    keys.press("Control+k")
    keys.type("ovrdue")  # letters may be missing, and the language another
    assert_accessible(page)
    keys.press("Enter")
    page.wait_for_url("**queue=overdue")
    assert (watched.complaints, watched.outside) == ([], [])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 1100, 390])
def test_fullest_case_fits_and_can_be_used_by_everybody(
    width: int, scheme: str, browser: Browser, live_server: LiveServer, cast: Cast, case: RefundRequest
) -> None:
    full = to_judge(cast, quantity=30, total=90000, snapshot={"title": LONG, "page_text": "", "terms": {}})
    for n in range(40):
        Message.objects.create(
            request=full, author="buyer", text=f"{n} {LONG}", at=full.filed_at, is_internal=False
        )
    give(full, cast.support, png())
    watched = desk_page(browser, live_server, cast.reviewer, width, color_scheme=scheme)
    page = watched.page
    page.goto(live_server.url + url_of(full))
    page.wait_for_load_state("networkidle")
    for key in ("", "p", "r", "m"):
        if key:
            page.locator(".desk-head h2").click()
            page.keyboard.press(key)
            expect(page.locator(".desk-move[open]")).to_have_count(1)  # one form at a time
            page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, key
        assert_accessible(page)
    assert shown_columns(page) == {1440: 3, 1100: 2, 390: 1}[width]
    assert (watched.complaints, watched.outside) == ([], [])


def shown_columns(page: Page) -> int:
    lefts = page.eval_on_selector_all(
        ".desk-case > .desk-column", "columns => columns.map(column => column.getBoundingClientRect().left)"
    )
    return len(set(lefts))


def test_stream_is_filtered_without_a_reload(
    browser: Browser, live_server: LiveServer, cast: Cast, case: RefundRequest
) -> None:
    Message.objects.create(request=case, author="buyer", text=SAID, at=case.filed_at, is_internal=False)
    page = desk_page(browser, live_server, cast.reviewer).page
    page.goto(live_server.url + url_of(case))
    entries = page.locator(".desk-entry:visible")
    every = entries.count()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator("label:has(#shown-message)").click()
    assert (entries.count(), asked) == (1, [])
    page.locator("label:has(#shown-all)").click()
    assert entries.count() == every
