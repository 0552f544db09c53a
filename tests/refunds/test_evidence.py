"""Giving evidence: what it moves, what it counts for, who may give and who may see it (requirements D1 to D3)."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone

from refunds.evidence import storage
from refunds.facts import of_buyer, of_request
from refunds.machine import State
from refunds.models import Evidence, PendingFile, RefundRequest
from refunds.operations import give_evidence as giving
from refunds.operations.take_file import sweep_pending_files, taken
from tests.cases import make_request
from tests.evidence import FORM, form, give, path_of, problem_of, send, state_of, stored_files, upload
from tests.people import Api, Cast
from tests.refunds.hostile.parts import jpeg, png

pytestmark = pytest.mark.usefixtures("evidence_folder")


@pytest.fixture
def case(cast: Cast) -> RefundRequest:
    return make_request(cast, state=State.MANUAL_REVIEW, decided=True)


@pytest.fixture
def buyer(api: Api, cast: Cast) -> Api:
    return api.sign_in(cast.buyer)


def read(buyer: Api, case: RefundRequest) -> Any:
    return buyer.get(f"/api/v1/refund-requests/{case.number}/").json()


# --- What it moves and counts for ------------------------------------------------------------------------


def test_what_was_asked_of_the_buyer_takes_the_case_back_to_review(buyer: Api, cast: Cast) -> None:
    case = make_request(cast, state=State.AWAITING_EVIDENCE)
    assert send(buyer, case).json()["state"] == State.MANUAL_REVIEW
    case.refresh_from_db()
    last = case.transitions.latest("sequence")
    assert (last.event, last.actor, case.due_kind) == ("give_evidence", "buyer", "review")


def test_what_was_not_asked_of_the_seller_leaves_the_clock_running(cast: Cast) -> None:
    case = make_request(cast, state=State.AWAITING_EVIDENCE)
    due_at = case.due_at
    giving.give_as_seller(
        number=case.number, user=cast.seller_user, kind="other", upload=upload(), note="", now=timezone.now()
    )
    case.refresh_from_db()
    assert (case.state, case.due_at) == (State.AWAITING_EVIDENCE, due_at)


def test_evidence_given_is_shown_with_what_is_still_missing(buyer: Api, case: RefundRequest) -> None:
    assert read(buyer, case)["evidence"] == []
    needed = read(buyer, case)["evidence_needed"]
    assert [row["satisfied"] for row in needed] == [False] * len(needed)
    first = needed[0]["kind"]
    send(buyer, case, kind=first, note="  as you see ")
    shown = read(buyer, case)
    assert shown["evidence_needed"][0] == {"kind": first, "satisfied": True}
    evidence = shown["evidence"][0]
    known = {"id": 1, "kind": first, "by": "buyer", "note": "as you see", "media_type": "image/png"}
    assert known.items() <= evidence.items()
    assert evidence["size"] == Evidence.objects.get().size


def test_what_the_seller_gives_is_no_answer_for_the_buyer(
    buyer: Api, cast: Cast, case: RefundRequest
) -> None:
    needed = read(buyer, case)["evidence_needed"][0]["kind"]
    giving.give_as_seller(
        number=case.number, user=cast.seller_user, kind=needed, upload=upload(), note="", now=timezone.now()
    )
    assert read(buyer, case)["evidence_needed"][0]["satisfied"] is False


def test_policy_judges_by_what_speaks_for_the_request(cast: Cast, case: RefundRequest) -> None:
    give(case, cast.reviewer, kind="other", side="seller")
    assert of_request(case)[0].evidence == ()
    give(case, cast.reviewer, kind="chat_record", side="buyer")
    give(case, cast.reviewer, kind="promise_page", side="")
    assert set(of_request(case)[0].evidence) == {"chat_record", "promise_page"}
    assert of_buyer(cast.buyer.pk, case.order.no).evidence == ()  # of a request not filed yet


def test_nothing_is_needed_where_the_books_answer(buyer: Api, cast: Cast) -> None:
    case = make_request(cast, total=4900, reason="not_activated", decided=True, state=State.APPROVED)
    assert read(buyer, case)["evidence_needed"] == []


def test_preview_names_all_that_would_be_needed(buyer: Api, cast: Cast, case: RefundRequest) -> None:
    from tests.factories import hours, make_order

    order = make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, total=9900, events=[("delivered", hours(-3))]
    )
    preview = buyer.get(f"/api/v1/orders/{order.no}/refund-eligibility/?reason=invalid_code").json()
    finding = next(found for found in preview["findings"] if found["rule"] == "evidence")
    assert finding["facts"]["present"] == []
    assert finding["facts"]["kinds"] == preview["evidence_needed"] != []


def test_standards_name_every_kind_and_what_each_reason_needs(api: Api, db: None) -> None:
    from refunds.policy import EVIDENCE_KINDS, GOODS_TYPES, REASONS

    body = api.get("/api/v1/evidence-standards/", HTTP_ACCEPT_LANGUAGE="en").json()
    assert [row["kind"] for row in body["kinds"]] == list(EVIDENCE_KINDS)
    assert [row["goods_type"] for row in body["goods"]] == list(GOODS_TYPES)
    assert all([row["reason"] for row in goods["reasons"]] == list(REASONS) for goods in body["goods"])
    chinese = api.get("/api/v1/evidence-standards/", HTTP_ACCEPT_LANGUAGE="zh-hans").json()
    assert (body["kinds"][0]["name"], chinese["kinds"][0]["name"]) == ("Order screenshot", "订单截图")


# --- One effect per key ----------------------------------------------------------------------------------


def test_replay_gives_the_first_answer_and_keeps_one_file(buyer: Api, case: RefundRequest) -> None:
    first, again = send(buyer, case, key="one"), send(buyer, case, key="one")
    assert (again.status_code, again.json()) == (201, first.json())
    assert again["Idempotent-Replayed"] == "true"
    assert Evidence.objects.count() == 1
    assert len(stored_files()) == 2  # the picture and its thumbnail
    assert not PendingFile.objects.exists()


@pytest.mark.parametrize("change", [{"data": jpeg()}, {"kind": "other"}, {"note": "x"}, {"name": "b.png"}])
def test_key_of_another_file_is_refused(buyer: Api, case: RefundRequest, change: dict[str, Any]) -> None:
    send(buyer, case, key="one")
    before = state_of(case)
    assert problem_of(send(buyer, case, **change, key="one")) == (422, "idempotency_key_reused")
    assert state_of(case) == before


def test_no_link_is_kept_with_an_answer(buyer: Api, case: RefundRequest) -> None:
    from marketplace.kernel.models import IdempotencyKey

    send(buyer, case, key="one")
    send(buyer, case, png(1), key="two")
    assert "/evidence/" not in str(IdempotencyKey.objects.get(key="two").answer)


# --- Refusals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "pointer", "code"),
    [
        ([("file", png(), "a.png")], "/kind", "required"),
        ([("kind", "other", None)], "/file", "required"),
        ([("kind", "other", None), ("file", "text", None)], "/file", "invalid"),
        ([("kind", "selfie", None), ("file", png(), "a.png")], "/kind", "invalid_choice"),
        ([("kind", "other", None), ("file", png(), "a.png"), ("x", "1", None)], "/x", "unknown_field"),
        ([("kind", "other", None), ("file", png(), "a"), ("file", png(1), "b")], "/file", "repeated_field"),
        ([("kind", "other", None), ("file", png(), "a"), ("note", "n" * 1001, None)], "/note", "max_length"),
    ],
)
def test_form_that_is_not_in_order(
    buyer: Api, case: RefundRequest, parts: Any, pointer: str, code: str
) -> None:
    before = state_of(case)
    response = buyer.post(path_of(case), form(*parts), content_type=FORM)
    assert problem_of(response) == (400, "validation_error")
    assert [(each["pointer"], each["code"]) for each in response.json()["errors"]] == [(pointer, code)]
    assert state_of(case) == before


def test_body_that_is_no_form(buyer: Api, case: RefundRequest) -> None:
    assert problem_of(buyer.post(path_of(case), {"kind": "other"}, format="json"))[0] == 415
    assert problem_of(buyer.post(path_of(case), b"--x", content_type="multipart/form-data")) == (
        400,
        "malformed_form",
    )
    cut = form(("kind", "other", None), ("file", png(), "a.png"))[:-200]
    assert problem_of(buyer.post(path_of(case), cut, content_type=FORM))[0] in (400, 422)
    assert not Evidence.objects.exists()


def test_key_is_required(buyer: Api, case: RefundRequest) -> None:
    assert problem_of(send(buyer, case, key=None)) == (400, "idempotency_key_required")


def test_card_number_in_the_note_is_refused(buyer: Api, case: RefundRequest) -> None:
    before = state_of(case)
    assert problem_of(send(buyer, case, note="4111 1111 1111 1111")) == (422, "card_number")
    assert state_of(case) == before


def test_body_beyond_the_limit_is_refused_before_it_is_read(
    buyer: Api, case: RefundRequest, settings: Any
) -> None:
    settings.UPLOAD_MAX_BYTES = 1000
    before = state_of(case)
    response = send(buyer, case, png() + bytes(100_000))
    assert problem_of(response) == (413, "file_too_large")
    assert response.json()["at_most"] == 1000
    assert state_of(case) == before


def test_file_longer_than_announced_limits_is_cut_off_while_it_comes(
    buyer: Api, case: RefundRequest, settings: Any
) -> None:
    settings.UPLOAD_MAX_BYTES = 1000
    before = state_of(case)
    assert problem_of(send(buyer, case, png() + bytes(5_000))) == (413, "file_too_large")
    assert state_of(case) == before


@pytest.mark.parametrize("state", [State.REFUNDED, State.WITHDRAWN])
def test_closed_case_takes_no_more(buyer: Api, cast: Cast, state: str) -> None:
    case = make_request(cast, state=state)
    before = state_of(case)
    assert problem_of(send(buyer, case)) == (409, "case_closed")
    assert state_of(case) == before


def test_the_same_file_twice_is_refused(buyer: Api, case: RefundRequest) -> None:
    send(buyer, case)
    assert problem_of(send(buyer, case)) == (409, "already_given")
    assert send(buyer, case, kind="order_screenshot").status_code == 201


def test_each_side_has_files_of_its_own(buyer: Api, cast: Cast, case: RefundRequest, settings: Any) -> None:
    settings.EVIDENCE_MAX_FILES = 2
    for number in range(2):
        give(case, cast.reviewer, png(number), side="seller")
    with pytest.raises(giving.TooManyFiles):
        give(case, cast.reviewer, png(2), side="seller")
    assert send(buyer, case).status_code == 201
    assert [row.position for row in Evidence.objects.order_by("id")] == [1, 2, 3]


# --- Nothing is left over, nothing is changed ------------------------------------------------------------


def test_file_whose_case_did_not_take_it_is_removed(cast: Cast, case: RefundRequest) -> None:
    with pytest.raises(ZeroDivisionError), taken(upload(), timezone.now()) as file:
        assert storage.files().exists(file.key)
        raise ZeroDivisionError
    assert not stored_files()
    assert not PendingFile.objects.exists()


def test_file_a_crash_left_behind_is_swept(cast: Cast, case: RefundRequest) -> None:
    kept = give(case, cast.support)
    with taken(upload(), timezone.now()) as file:
        left = file.key
        content = {name: storage.files().open(name).read() for name in (left, storage.small_key(left))}
    for name, data in content.items():
        storage.files().save(name, SimpleUploadedFile("x", data))
    now = timezone.now()
    PendingFile.objects.create(key=left, at=now)
    assert sweep_pending_files(now + timedelta(minutes=30)) == 0
    assert sweep_pending_files(now + timedelta(hours=2)) == 1
    assert not storage.files().exists(left)
    assert not PendingFile.objects.exists()
    assert storage.files().exists(kept.key)


def test_case_cannot_take_a_file_that_the_sweep_has_doomed(
    buyer: Api, cast: Cast, case: RefundRequest
) -> None:
    file_upload = upload()
    with taken(file_upload, timezone.now()) as file:
        PendingFile.objects.filter(key=file.key).update(doomed_at=timezone.now())
        with pytest.raises(giving.UploadLost), transaction.atomic():
            from refunds.permissions import BUYER

            giving._keep(case, file, file_upload, "other", "", BUYER, timezone.now())
    assert not Evidence.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "law"),
    [
        ({"kind": "selfie"}, "evidence_of_a_known_kind"),
        ({"media_type": "image/gif"}, "evidence_of_a_known_type"),
        ({"media_type": "application/pdf", "dhash": None, "bands": []}, "evidence_measured_by_its_type"),
        ({"width": None}, "evidence_measured_by_its_type"),
        ({"size": 0}, "evidence_size_in_bounds"),
        ({"position": 301}, "evidence_position_in_bounds"),
        ({"sha256": b"short"}, "evidence_has_its_hashes"),
        ({"bands": []}, "evidence_hash_with_its_bands"),
        ({"by": "seller", "user": None}, "evidence_names_its_giver"),
        ({"by": "system"}, "evidence_names_its_giver"),
        ({"position": 1}, "evidence_numbered_once"),
        ({"original_sha256": "same"}, "evidence_given_once"),
        ({"key": "same"}, "key"),
    ],
)
def test_row_that_cannot_be_true_is_refused_by_the_database(
    cast: Cast, case: RefundRequest, wrong: dict[str, Any], law: str
) -> None:
    first = give(case, cast.support)
    fields = {field.name: getattr(first, field.name) for field in Evidence._meta.fields if field.name != "id"}
    fields |= {"position": 2, "key": "another", "original_sha256": bytes(32)}
    fields |= {name: getattr(first, name) if value == "same" else value for name, value in wrong.items()}
    with pytest.raises(IntegrityError, match=law), transaction.atomic():
        Evidence.objects.create(**fields)
