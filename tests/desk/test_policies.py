"""The desk's pages of the rules: what each role sees and may do, and the editor that keeps what was typed."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.identity.roles import Role
from refunds.models import PolicyDraft, PolicyVersion
from refunds.policy import DEFAULTS, GOODS_TYPES
from refunds.policy.term_table import TERMS
from refunds.policy.term_words import typed
from tests.access.outsiders import signed_in
from tests.desk_people import code, enrol, make_stale, whole_session
from tests.factories import StaffFactory, days
from tests.terms import draft, editor, publish, submitted

pytestmark = pytest.mark.django_db
LIST = "/admin/refunds/policyversion/"
BEGIN = "/admin/refunds/policydraft/add/"
READERS = {Role.SUPPORT, Role.REVIEWER, Role.SUPERVISOR, Role.AUDITOR}


def at(row: PolicyDraft | PolicyVersion) -> str:
    return f"/admin/refunds/{row._meta.model_name}/{row.pk}/change/"


def english(user: User) -> Client:
    client = signed_in(user)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


def form_of(row: PolicyDraft, **typed_in: Any) -> dict[str, Any]:
    """What the editor posts, with some fields typed in."""
    fields: dict[str, Any] = {path: typed(term, row.terms) for path, term in TERMS.items()}
    words = {
        "move": "save", "title": row.title, "why": row.why, "seen_at": row.changed_at.isoformat(),
        "in_force_at": f"{timezone.localtime(row.in_force_at):%Y-%m-%d}",
    }  # fmt: skip
    return {**words, **fields, **typed_in}


def test_list_shows_what_holds_what_comes_and_what_is_written() -> None:
    version = publish(at=days(9), small_below=10_000)
    row = draft("account")
    page = english(row.changed_by).get(LIST).content.decode()
    assert all(f"{goods_type}@1" in page for goods_type in GOODS_TYPES)
    assert "card_code@2" in page
    assert f"from {timezone.localtime(version.in_force_at):%Y-%m-%d}" in page
    assert at(row) in page
    assert page.count("Begin a draft") == len(GOODS_TYPES) - 1


def test_list_costs_the_same_however_many_versions_there_are(django_assert_max_num_queries: Any) -> None:
    client = english(editor())
    for _ in range(3):
        publish(small_below=10_000 + PolicyVersion.objects.count())
    with django_assert_max_num_queries(8):
        client.get(LIST)


def test_draft_is_begun_from_the_list() -> None:
    client = english(editor())
    answer = client.post(BEGIN, {"goods_type": "account"})
    row = PolicyDraft.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, at(row))
    again = client.post(BEGIN, {"goods_type": "account"})
    assert again.status_code == 409
    assert PolicyDraft.objects.count() == 1


@pytest.mark.parametrize("goods_type", sorted(GOODS_TYPES))
def test_form_saved_as_it_was_shown_changes_nothing(goods_type: str) -> None:
    row = draft(goods_type)
    client = english(row.changed_by)
    shown = client.get(at(row)).context["editor"]
    posted = {field.html_name: field.value() for field in shown if field.value() not in (None, "")}
    assert client.post(at(row), {"move": "save", **posted}).status_code == 302
    row.refresh_from_db()
    assert row.terms == DEFAULTS[goods_type]


def test_wrong_terms_come_back_at_their_fields_as_they_were_typed() -> None:
    row = draft()
    posted = form_of(row, small_below="12,3", window_days="40", why="Typed long and well.")
    answer = english(row.changed_by).post(at(row), posted)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "“12,3” is no amount" in answer.context["editor"]["small_below"].errors[0]
    assert "7 to 15 days" in answer.context["editor"]["window_days"].errors[0]
    assert 'value="12,3"' in page
    assert "Typed long and well." in page
    row.refresh_from_db()
    assert row.terms == DEFAULTS["card_code"]


def test_day_that_is_none_is_refused_at_its_field() -> None:
    row = draft()
    answer = english(row.changed_by).post(at(row), form_of(row, in_force_at="soon"))
    assert answer.status_code == 422
    assert answer.context["editor"]["in_force_at"].errors


def test_preview_says_what_changes_and_what_the_public_will_read_and_keeps_nothing() -> None:
    row = draft()
    client = english(row.changed_by)
    posted = form_of(row, **{"clocks.seller_reply_hours": "12", "preview": "1"})
    page = client.post(at(row), posted).content.decode()
    assert "24 h → 12 h" in page
    assert "Kinder to the buyer" in page
    assert "The seller answers within 12 hours" in page
    assert "卖家须在 12 小时内答复" in page
    wrong = client.post(at(row), posted | {"clocks.seller_reply_hours": "twelve"}).content.decode()
    assert "“twelve” is no whole number" in wrong
    row.refresh_from_db()
    assert row.terms == DEFAULTS["card_code"]


def test_refused_submission_names_the_field() -> None:
    row = draft(in_force_at=days(2), small_below=10_000)
    answer = english(row.changed_by).post(at(row), {"move": "submit"})
    assert answer.status_code == 422
    assert "less than 7 days ahead" in answer.content.decode()
    row.refresh_from_db()
    assert row.state == "draft"


def test_second_person_publishes_and_is_led_to_the_version() -> None:
    row = submitted(small_below=10_000)
    client = english(StaffFactory.create(role=Role.SUPERVISOR))
    assert "publish" in [name for name, _move, _form in client.get(at(row)).context["moves"]]
    answer = client.post(at(row), {"move": "publish", "seen_at": row.submitted_at.isoformat()})
    version = PolicyVersion.objects.get(goods_type="card_code", version=2)
    assert (answer.status_code, answer["Location"]) == (302, at(version))
    page = client.get(at(version)).content.decode()
    assert "CNY 50.00 → CNY 100.00" in page
    assert "The old ones did not do." in page
    assert f"On {timezone.localtime(version.in_force_at):%Y-%m-%d} it takes the place of card_code@1" in page
    assert row.changed_by.username in page


def test_publication_wants_a_fresh_proof() -> None:
    row, supervisor = submitted(small_below=10_000), StaffFactory.create(role=Role.SUPERVISOR)
    enrol(supervisor)
    client = whole_session(supervisor)
    make_stale(supervisor)
    posted = {"move": "publish", "seen_at": row.submitted_at.isoformat()}
    for proof in ({}, {"proof": "000000"}):
        assert client.post(at(row), posted | proof).status_code == 422
        row.refresh_from_db()
        assert (row.state, PolicyVersion.objects.filter(goods_type="card_code").count()) == ("submitted", 1)
    assert client.post(at(row), posted | {"proof": code(supervisor)}).status_code == 302
    row.refresh_from_db()
    assert row.state == "published"


def test_who_wrote_it_is_told_that_another_publishes() -> None:
    row = submitted(small_below=10_000)
    client = english(row.changed_by)
    page = client.get(at(row))
    assert "Another person publishes it." in page.content.decode()
    assert "publish" not in [name for name, _move, _form in page.context["moves"]]
    forged = client.post(at(row), {"move": "publish", "seen_at": row.submitted_at.isoformat()})
    assert forged.status_code == 403
    row.refresh_from_db()
    assert row.state == "submitted"


@pytest.mark.parametrize("role", sorted(READERS))
def test_who_may_read_sees_no_editor_and_cannot_save(role: str) -> None:
    row = draft(small_below=10_000)
    client = english(StaffFactory.create(role=role))
    page = client.get(at(row))
    assert page.status_code == 200
    assert page.context["editor"] is None
    assert "CNY 50.00 → CNY 100.00" in page.content.decode()
    for posted in (
        form_of(row, why="Mine."),
        form_of(row, preview="1"),
        {"move": "drop"},
        {"move": "submit"},
    ):
        assert client.post(at(row), posted).status_code == 403
    assert client.post(BEGIN, {"goods_type": "account"}).status_code == 403
    row.refresh_from_db()
    assert (row.state, row.why) == ("draft", "The old ones did not do.")


def test_older_terms_are_taken_up_again_from_their_page() -> None:
    publish(at=days(9), small_below=10_000)
    first = PolicyVersion.objects.get(goods_type="card_code", version=1)
    client = english(editor())
    answer = client.post(at(first), {"move": "begin"})
    row = PolicyDraft.objects.get(state="draft")
    assert answer["Location"] == at(row)
    assert (row.terms["small_below"], row.based_on.version) == (5_000, 2)


def test_pages_are_read_in_chinese() -> None:
    row = draft(small_below=10_000)
    client = signed_in(row.changed_by)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "zh-hans"
    page = client.get(at(row)).content.decode()
    assert "一键退款上限" in page
    assert "¥50.00 → ¥100.00" in page
