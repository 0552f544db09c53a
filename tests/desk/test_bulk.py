"""Many cases decided from the queue: ticked, one form, looked at, confirmed, and what became of each (requirement K1)."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.identity.roles import Role
from refunds.models import BulkRow, BulkRun, RefundRequest
from refunds.operations.bulk import run_bulk
from tests.cases import make_request
from tests.people import Cast

from .conftest import QUEUE, make_large, staff, standing

SignIn = Callable[[User], Client]
FORM = "/admin/refunds/bulkrun/add/"
APPROVE = {"note": "Checked.", "fault": "seller"}
ENGLISH = {"accept-language": "en"}


@pytest.fixture
def three(cast: Cast) -> list[RefundRequest]:
    return [make_request(cast, state="manual_review") for _ in range(3)]


def tick(client: Client, move: str, cases: list[RefundRequest], **more: str) -> Any:
    body = {"action": f"bulk_{move}", "index": "0", "_selected_action": [case.pk for case in cases], **more}
    return client.post(QUEUE, body, headers=ENGLISH)


def looked(client: Client, move: str, cases: list[RefundRequest], typed: dict[str, str]) -> BulkRun:
    answer = client.post(tick(client, move, cases)["Location"], typed, headers=ENGLISH)
    assert answer.status_code == 302, answer.content.decode()
    return BulkRun.objects.latest("id")


def page_of(run: BulkRun) -> str:
    return f"/admin/refunds/bulkrun/{run.pk}/change/"


def test_ticked_rows_lead_to_one_form_with_all_of_them(
    cast: Cast, desk: Client, three: list[RefundRequest]
) -> None:
    led = tick(desk, "reject", three[:2])
    assert (led.status_code, urlsplit(led["Location"]).path) == (302, FORM)
    page = desk.get(led["Location"], headers=ENGLISH).content.decode()
    assert [case.number in page for case in three] == [True, True, False]
    assert 'name="clause"' in page
    assert "2 cases" in page


def test_case_that_left_the_list_meanwhile_is_not_dropped_in_silence(
    cast: Cast, desk: Client, three: list[RefundRequest]
) -> None:
    gone = make_request(cast, state="withdrawn")  # as if withdrawn between the list and the press
    led = tick(desk, "approve", [*three, gone])
    assert parse_qs(urlsplit(led["Location"]).query)["cases"] == [",".join(str(c.pk) for c in [*three, gone])]
    run = looked(desk, "approve", [*three, gone], APPROVE)
    assert (run.ticked, run.rows.filter(foreseen="refused").get().request) == (4, gone)


def test_all_of_a_list_can_be_ticked_and_no_more_than_the_limit(
    cast: Cast, desk: Client, three: list[RefundRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    led = tick(desk, "approve", three[:1], select_across="1")
    assert len(parse_qs(urlsplit(led["Location"]).query)["cases"][0].split(",")) == 3
    monkeypatch.setattr("refunds.admin.bulk_ticks.ROWS_AT_MOST", 2)
    led = tick(desk, "approve", three[:1], select_across="1")
    assert led["Location"] == QUEUE
    assert "200 at most" in desk.get(QUEUE, headers=ENGLISH).content.decode()


def test_preview_confirm_and_results(cast: Cast, desk: Client, three: list[RefundRequest]) -> None:
    large, seller = make_large(cast), make_request(cast, state="awaiting_seller")
    cases = [*three, large, seller]
    before = [standing(case) for case in cases]
    run = looked(desk, "approve", cases, APPROVE)
    page = desk.get(page_of(run), headers=ENGLISH).content.decode()
    for said in ("Will be done", "Becomes a proposal", "Cannot be done", "not in a state where this can be done",
                 "both sides are told", "CNY 297.00", "Approve in full: 4 cases", "1 case is left out", "Checked."):  # fmt: skip
        assert said in page, said
    assert [standing(case) for case in cases] == before

    assert desk.post(page_of(run)).status_code == 302
    running = desk.get(page_of(run), headers=ENGLISH).content.decode()
    assert 'hx-trigger="every 1s"' in running
    assert "1 of 5 cases are over." in running
    assert 'method="post">' not in running.split('id="bulk"')[1]
    run_bulk(run.pk, timezone.now())
    part = desk.get(page_of(run), headers={**ENGLISH, "hx-request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="bulk"')
    assert "hx-trigger" not in part
    assert "Tick the refused ones again" in part
    assert [RefundRequest.objects.get(pk=case.pk).state for case in cases] == [
        "approved", "approved", "approved", "manual_review", "awaiting_seller",
    ]  # fmt: skip

    file = desk.get(f"/admin/refunds/bulkrun/{run.pk}/results.csv", headers=ENGLISH).content.decode()
    lines = file.strip().splitlines()
    assert len(lines) == 6
    assert sum(",Carried out," in line for line in lines) == 3
    assert all(case.number in file for case in cases)


def test_refused_ones_are_ticked_again_with_what_was_said(
    cast: Cast, desk: Client, three: list[RefundRequest]
) -> None:
    seller = make_request(cast, state="awaiting_seller")
    run = looked(desk, "approve", [*three, seller], APPROVE)
    desk.post(page_of(run))
    run_bulk(run.pk, timezone.now())
    again = desk.get(page_of(run)).context["again"]
    page = desk.get(again).content.decode()
    assert seller.number in page
    assert three[0].number not in page
    assert "Checked." in page


def test_wrong_form_keeps_what_was_typed_and_looks_at_nothing(
    cast: Cast, desk: Client, three: list[RefundRequest]
) -> None:
    where = tick(desk, "reject", three)["Location"]
    answer = desk.post(where, {"note": "My words.", "clause": "B3", "fault": "seller"}, headers=ENGLISH)
    assert answer.status_code == 422
    assert "With the seller at fault the refund is due" in answer.content.decode()
    assert "My words." in answer.content.decode()
    assert not BulkRun.objects.exists()


def test_nothing_to_do_is_said_and_cannot_be_confirmed(cast: Cast, desk: Client) -> None:
    cases = [make_request(cast, state="withdrawn")]
    run = looked(desk, "approve", cases, APPROVE)
    assert (
        "None of these cases can be decided this way now."
        in desk.get(page_of(run), headers=ENGLISH).content.decode()
    )
    assert desk.post(page_of(run)).status_code == 409
    assert BulkRun.objects.get().confirmed_at is None


@pytest.mark.parametrize("role", Role.values)
def test_moves_offered_are_those_of_the_role(role: str, cast: Cast, signed_in: SignIn) -> None:
    make_request(cast, state="manual_review")
    client = signed_in(staff(role))
    answer = client.get(QUEUE, {"queue": "all"})
    page = answer.content.decode()
    offered = {name for name in ("approve", "reject", "extend", "escalate") if f'value="bulk_{name}"' in page}
    expected = {
        Role.REVIEWER: {"approve", "reject", "extend"},
        Role.SUPERVISOR: {"approve", "reject", "extend", "escalate"},
    }
    assert offered == expected.get(Role(role), set())


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.REVIEWER, Role.SUPERVISOR}))
def test_others_neither_look_nor_confirm(
    role: str, cast: Cast, desk: Client, signed_in: SignIn, three: list[RefundRequest]
) -> None:
    run = looked(desk, "approve", three, APPROVE)
    before = [standing(case) for case in three]
    client = signed_in(staff(role))
    form = f"{FORM}?move=approve&cases={three[0].pk}"
    assert client.post(form, APPROVE).status_code == 403
    assert client.post(page_of(run)).status_code == 403
    assert client.get(page_of(run)).status_code == (200 if role == Role.AUDITOR else 403)
    assert (BulkRun.objects.count(), [standing(case) for case in three]) == (1, before)


def test_run_is_seen_by_its_maker_and_a_supervisor_and_confirmed_by_its_maker(
    cast: Cast, desk: Client, signed_in: SignIn, three: list[RefundRequest]
) -> None:
    run = looked(desk, "approve", three, APPROVE)
    other, supervisor = signed_in(cast.second_reviewer), signed_in(cast.supervisor)
    assert other.get(page_of(run)).status_code == other.post(page_of(run)).status_code == 302
    assert other.get(f"/admin/refunds/bulkrun/{run.pk}/results.csv").status_code == 403
    seen = supervisor.get(page_of(run), headers=ENGLISH).content.decode()
    assert three[0].number in seen
    assert supervisor.post(page_of(run)).status_code == 403
    assert BulkRun.objects.get().confirmed_at is None
    assert not BulkRow.objects.exclude(outcome="").exists()


def test_form_for_a_move_of_another_role_leads_back(cast: Cast, desk: Client) -> None:
    case = make_request(cast, state="rejected")
    answer = desk.post(f"{FORM}?move=escalate&cases={case.pk}", {"note": "Now."})
    assert (answer.status_code, answer["Location"]) == (302, QUEUE)
    assert not BulkRun.objects.exists()
