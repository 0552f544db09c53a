"""Lists as files: by whom, with which columns, and that no secret is among them (requirement K5)."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db.models import BinaryField, JSONField, TextField
from django.test import Client
from django.utils import timezone
from openpyxl import load_workbook

from marketplace.identity.models import ListExport, User
from marketplace.identity.roles import PERMISSIONS, Role
from marketplace.kernel import crypto
from marketplace.kernel.csvfile import harmless
from refunds.admin.lists import LISTS, Shape, field_of
from refunds.operations.say import say_as_seller
from tests.cases import make_request
from tests.people import Cast

from .conftest import QUEUE, make_stuck, staff

SignIn = Callable[[User], Client]
EXPORTERS = {Role.SUPERVISOR, Role.FINANCE, Role.AUDITOR}
ENGLISH = {"accept-language": "en"}
# What no column may lead to, whichever table it stands in.
FORBIDDEN = {
    "password", "sealed_secret", "sealed_former", "sealed_payee", "payee_hint", "secret_fingerprint", "fingerprint", "phone",
    "email", "device", "ip", "user_agent", "first_name", "last_name", "url", "body", "snapshot", "target", "consent", "details",
    "description", "caller_check", "note", "text", "data", "error", "error_detail", "manifest_sha256", "token",
}  # fmt: skip


def address(label: str, query: str = "") -> str:
    return f"/admin/identity/listexport/of/{label}/?{query}"


def taken(client: Client, label: str, query: str = "", form: str = "csv") -> Any:
    return client.post(address(label, query), {"form": form}, headers=ENGLISH)


def lines(answer: Any) -> list[dict[str, str]]:
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("label", LISTS)
def test_no_declared_column_leads_to_a_secret(label: str) -> None:
    shape = Shape(label)
    for path in shape.paths:
        field = field_of(shape.model, path)
        assert not isinstance(field, BinaryField | JSONField | TextField), path
        assert not set(path.split("__")) & FORBIDDEN, path
        assert not field.is_relation, path
    assert len(shape.header) == len(set(shape.header)), "two columns of one name"
    assert set(shape.paths) >= {column.path for column in LISTS[label]}


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_seeded_secrets_are_in_no_file(form: str, cast: Cast, signed_in: SignIn) -> None:
    cast.buyer.phone, cast.buyer.email = "13812345678", "somebody@example.com"
    cast.buyer.external_id = "13912345678"
    cast.buyer.set_password("a-secret-password")
    cast.buyer.save()
    case = make_stuck(cast)
    say_as_seller(number=case.number, user=cast.seller_user, text="Private words 77.", now=timezone.now())
    unit = case.order.units.get()
    code = f"CARD-{case.order.no}-1"
    hidden = [
        code, code.lower(), "13812345678", "13912345678", "somebody@example.com", "Private words", cast.buyer.password,
        bytes(unit.sealed_secret or b"none").hex(), crypto.fingerprint(code).hex(), crypto.unseal(bytes(cast.shop.sealed_secret), f"shop:{cast.shop.code}"),
    ]  # fmt: skip
    client = signed_in(cast.supervisor)
    seen = b""
    for label in LISTS:
        answer = (
            taken(client, label, "closed=all", form=form)
            if label == "payments.break"
            else taken(client, label, form=form)
        )
        assert answer.status_code == 200, label
        file = b"".join(answer.streaming_content)
        if form == "xlsx":
            sheet = load_workbook(io.BytesIO(file), read_only=True).active
            file = "\n".join(str(cell) for row in sheet.iter_rows(values_only=True) for cell in row).encode()
        seen += file
    assert case.number.encode() in seen
    assert case.order.no.encode() in seen
    assert [word for word in hidden if word.encode() in seen] == []


def test_export_is_what_the_list_shows_now(cast: Cast, signed_in: SignIn) -> None:
    review, other = (make_request(cast, state="manual_review") for _ in range(2))
    asked = make_request(cast, state="manual_review", reason="other")
    make_request(cast, state="awaiting_seller")
    client = signed_in(cast.supervisor)
    found = lines(taken(client, "refunds.refundrequest", "queue=review&reason__exact=invalid_code"))
    assert [line["Refund number"] for line in found] == [review.number, other.number]
    assert {(line["Amount asked"], line["Currency"], line["State"]) for line in found} == {
        ("99.00", "CNY", "With a reviewer")
    }
    found = lines(taken(client, "refunds.refundrequest", f"q={asked.number}"))
    assert [line["Refund number"] for line in found] == [asked.number]


def test_second_page_is_in_the_file_too(
    cast: Cast, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refunds.admin.queue.RefundRequestAdmin.list_per_page", 2)
    cases = [make_request(cast, state="manual_review") for _ in range(5)]
    found = lines(taken(signed_in(cast.supervisor), "refunds.refundrequest", "queue=review&p=2"))
    assert {line["Refund number"] for line in found} == {case.number for case in cases}


def test_postings_are_one_a_line_and_balance(cast: Cast, signed_in: SignIn) -> None:
    make_request(cast, state="refunding")
    found = lines(taken(signed_in(cast.finance), "ledger.transaction"))
    assert len(found) >= 2
    assert sum(float(line["Amount"]) for line in found) == 0


@pytest.mark.parametrize("role", ["", *Role])
def test_role_exports_what_it_sees_and_may_export_and_nothing_else(
    role: str, cast: Cast, signed_in: SignIn
) -> None:
    client = signed_in(staff(role))
    for label in LISTS:
        app, model = label.split(".")
        may = role in EXPORTERS and f"{app}.view_{model}" in PERMISSIONS.get(role, set())
        logged = ListExport.objects.count()
        assert taken(client, label).status_code == (200 if may else 403), label
        assert ListExport.objects.count() == logged + may, label


def test_buttons_are_shown_to_those_who_may(cast: Cast, desk: Client, signed_in: SignIn) -> None:
    assert "listexport/of/" not in desk.get(QUEUE).content.decode()
    page = signed_in(cast.supervisor).get(QUEUE, {"queue": "review"}).content.decode()
    assert "/admin/identity/listexport/of/refunds.refundrequest/?queue=review" in page


def test_who_took_which_list_is_written_down_and_stays(cast: Cast, signed_in: SignIn) -> None:
    make_request(cast, state="manual_review")
    client = signed_in(cast.finance)
    taken(client, "refunds.refundrequest", "queue=review&p=1", form="xlsx")
    row = ListExport.objects.get()
    assert (row.by, row.list, row.query, row.form, row.rows) == (
        cast.finance, "refunds.refundrequest", "queue=review", "xlsx", 1,
    )  # fmt: skip
    with pytest.raises(Exception, match="history"):
        ListExport.objects.update(rows=0)


def test_get_takes_nothing(cast: Cast, signed_in: SignIn) -> None:
    client = signed_in(cast.supervisor)
    assert client.get(address("refunds.refundrequest")).status_code == 405
    assert client.post(address("identity.user"), {"form": "csv"}).status_code == 404
    assert not ListExport.objects.exists()


def test_too_long_a_list_is_refused_whole(
    cast: Cast, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refunds.admin.exports.ROWS_AT_MOST", 2)
    for _ in range(3):
        make_request(cast, state="manual_review")
    client = signed_in(cast.supervisor)
    answer = taken(client, "refunds.refundrequest", "queue=review")
    assert (answer.status_code, answer["Location"]) == (302, f"{QUEUE}?queue=review")
    assert "More than 2 rows." in client.get(QUEUE, headers=ENGLISH).content.decode()
    assert not ListExport.objects.exists()


def test_filter_that_does_not_fit_takes_nothing(cast: Cast, signed_in: SignIn) -> None:
    answer = taken(signed_in(cast.supervisor), "refunds.refundrequest", "buyer__password__startswith=m")
    assert answer.status_code == 302
    assert not ListExport.objects.exists()


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("=1+1", "'=1+1"), ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"), ("@SUM(A1)", "'@SUM(A1)"), ("-2+3", "'-2+3"),
        ("\t=1", "'\t=1"), ("-12.50", "-12.50"), ("+1", "+1"), ("1,200.00", "1,200.00"), ("商品", "商品"), (-3, -3), ("a\x00b", "ab"),
    ],
)  # fmt: skip
def test_no_cell_runs_as_a_formula(typed: Any, written: Any) -> None:
    assert harmless(typed) == written


def test_formula_in_a_name_is_text_in_both_files(cast: Cast, signed_in: SignIn) -> None:
    cast.seller.name = "=HYPERLINK(1)"
    cast.seller.save()
    client = signed_in(cast.supervisor)
    assert "'=HYPERLINK(1)" in {line["Name"] for line in lines(taken(client, "sellers.seller"))}
    file = b"".join(taken(client, "sellers.seller", form="xlsx").streaming_content)
    cells = [cell for row in load_workbook(io.BytesIO(file)).active.iter_rows() for cell in row]
    assert "'=HYPERLINK(1)" in {cell.value for cell in cells}
    assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}


def test_every_list_of_the_table_is_a_list_of_the_desk() -> None:
    from django.contrib import admin

    assert all(apps.get_model(label) in admin.site._registry for label in LISTS)
