"""Requests out of a file: good rows are filed once, bad ones named with their reasons, whatever stands in them (C4, K5)."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from marketplace.kernel.models import IdempotencyKey
from marketplace.orders.models import Order
from refunds.models import RefundRequest
from tests.cases import file
from tests.factories import hours, make_order
from tests.filers import bad_rows, row_of, write
from tests.people import Cast


def order_of(cast: Cast, **fields: Any) -> Order:
    events = [("delivered", hours(-3)), ("revealed", hours(-2))]
    parties = {"shop": cast.shop, "buyer": cast.buyer, "seller": cast.seller}
    return make_order(**{"total": 9900, "events": events, **parties, **fields})


@pytest.fixture
def order(cast: Cast) -> Order:
    return order_of(cast)


def run(path: Path, **options: Any) -> str:
    """The last line."""
    out = StringIO()
    call_command("import_requests", str(path), stdout=out, **options)
    return out.getvalue().splitlines()[-1].rpartition(" seconds=")[0]


def test_rows_are_filed_with_all_they_say(cast: Cast, tmp_path: Path) -> None:
    orders = [order_of(cast, quantity=2) for _ in range(3)]
    rows = [row_of(order, ticket=f"Z-{n}", units="1", amount="12.50", user_id="u-1", caller_check="Seen in person")
            for n, order in enumerate(orders)]  # fmt: skip
    rows[2] |= {
        "shop": "",
        "external_no": orders[2].no,
        "units": "2;1",
        "amount": "",
        "remedy": "replacement",
    }
    assert run(write(tmp_path / "old.csv", rows), by=cast.support.username) == "filed=3 known=0 bad=0"
    first, _second, third = RefundRequest.objects.order_by("id")
    assert (first.channel, first.ticket, first.amount) == ("import", "Z-0", 1250)
    assert (first.details, first.caller_check) == ({"user_id": "u-1"}, "Seen in person")
    assert (third.amount, third.remedy, third.items.count()) == (9900, "replacement", 2)
    assert set(first.transitions.values_list("actor", "user_id")) == {("support", cast.support.pk)}


def test_json_lines_are_read_as_rows(cast: Cast, order: Order, tmp_path: Path) -> None:
    path = tmp_path / "old.jsonl"
    path.write_text(json.dumps({**row_of(order), "units": ["1"], "amount": "9.90"}) + "\n\n")
    assert run(path) == "filed=1 known=0 bad=0"
    request = RefundRequest.objects.get()
    assert request.amount == 990
    assert request.transitions.get().actor == "system"


@pytest.mark.parametrize("ticket", ["", "Z-1"])
def test_second_run_files_nothing_even_when_the_first_case_is_closed(
    ticket: str, cast: Cast, order: Order, tmp_path: Path, api: Any
) -> None:
    path = write(tmp_path / "old.csv", [row_of(order, ticket=ticket)])
    assert run(path) == "filed=1 known=0 bad=0"
    assert run(path) == "filed=0 known=1 bad=0"
    number = RefundRequest.objects.get().number
    api.sign_in(cast.buyer).post(f"/api/v1/refund-requests/{number}/withdraw/", {})
    assert run(path) == "filed=0 known=1 bad=0"
    assert run(path, dry_run=True) == "would_file=0 known=1 bad=0"
    assert RefundRequest.objects.count() == 1


def test_ticket_filed_with_other_words_is_named(order: Order, tmp_path: Path) -> None:
    run(write(tmp_path / "a.csv", [row_of(order, ticket="Z-1")]))
    path = write(tmp_path / "b.csv", [row_of(order, ticket="Z-1", reason="not_delivered")])
    assert run(path) == "filed=0 known=0 bad=1"
    assert run(path, dry_run=True) == "would_file=0 known=0 bad=1"
    assert RefundRequest.objects.get().reason == "invalid_code"


def test_one_ticket_may_ask_for_two_orders(cast: Cast, tmp_path: Path) -> None:
    rows = [row_of(order_of(cast), ticket="Z-1") for _ in range(2)]
    assert run(write(tmp_path / "old.csv", rows)) == "filed=2 known=0 bad=0"


def test_dry_run_says_the_same_and_changes_nothing(cast: Cast, order: Order, tmp_path: Path) -> None:
    held = order_of(cast)
    number = file(held).number
    before = (RefundRequest.objects.count(), IdempotencyKey.objects.count())
    path = write(tmp_path / "old.csv", [row_of(order), row_of(held), row_of(order, amount="1000")])
    assert run(path, dry_run=True) == "would_file=1 known=0 bad=2"
    assert number in bad_rows(path)[0]["reason"]
    assert (RefundRequest.objects.count(), IdempotencyKey.objects.count()) == before


def test_same_units_twice_in_a_file_are_filed_once(order: Order, tmp_path: Path) -> None:
    path = write(tmp_path / "old.csv", [row_of(order, ticket="Z-1"), row_of(order, ticket="Z-2")])
    assert run(path) == "filed=1 known=0 bad=1"
    assert RefundRequest.objects.get().number in bad_rows(path)[0]["reason"]


HOSTILE: list[tuple[dict[str, str], str]] = [
    ({"external_no": "DJ-404"}, "external_no"),
    ({"external_no": ""}, "external_no"),
    ({"shop": "nowhere"}, "external_no"),
    ({"external_no": "' OR 1=1 --"}, "external_no"),
    ({"reason": "because"}, "reason"),
    ({"reason": ""}, "reason"),
    ({"remedy": "gift"}, "remedy"),
    ({"units": "9"}, "units"),
    ({"units": ";".join(map(str, range(2000)))}, "units"),
    ({"amount": "-1"}, "amount"),
    ({"amount": "0"}, "amount"),
    ({"amount": "1e3"}, "amount"),
    ({"amount": "12.345"}, "amount"),
    ({"amount": "NaN"}, "amount"),
    ({"amount": "9" * 30}, "amount"),
    ({"amount": "100"}, ""),  # more than was paid
    ({"description": "x" * 4001}, "description"),
    ({"description": "card 6222021234567890123"}, "description"),
    ({"card_last4": "6222021234567890"}, "card_last4"),
    ({"card_last4": "٤٧١١"}, "card_last4"),
    ({"ticket": "x" * 65}, "ticket"),
    ({"user_id": "x" * 129}, "user_id"),
]


@pytest.mark.parametrize(("fields", "column"), HOSTILE)
def test_hostile_row_is_named_and_its_neighbours_are_filed(
    fields: dict[str, str], column: str, cast: Cast, order: Order, tmp_path: Path
) -> None:
    rows = [row_of(order_of(cast)), {**row_of(order), **fields}, row_of(order_of(cast))]
    path = write(tmp_path / "old.csv", rows)
    assert run(path) == "filed=2 known=0 bad=1"
    (bad,) = bad_rows(path)
    assert (bad["line"], bad["field"]) == ("3", column)
    assert bad["reason"]
    assert not RefundRequest.objects.filter(order=order).exists()
    assert path.with_name("old.csv.bad.csv").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "line",
    [
        b"[1]", b'"x"', b"{", b'{"external_no": "A"}', b'{"external_no": 1, "reason": "other"}', b"{}",
        b'{"external_no": "A", "reason": "other", "colour": "red"}', b'{"external_no": NaN, "reason": "other"}',
        b'{"external_no": "A", "external_no": "B", "reason": "other"}', b'{"external_no": "\\u0000", "reason": "other"}',
        b'{"external_no": "\\ud800", "reason": "other"}', b'{"external_no": "A\xff", "reason": "other"}',
        b'{"external_no": "A", "reason": "other", "units": [1]}', b'{"external_no": "A", "reason": "other", "amount": 5}',
    ],
)  # fmt: skip
def test_hostile_line_is_named_and_the_next_is_filed(line: bytes, order: Order, tmp_path: Path) -> None:
    path = tmp_path / "old.jsonl"
    path.write_bytes(b"{}\n" + line + b"\n" + json.dumps(row_of(order)).encode() + b"\n")
    assert run(path) == "filed=1 known=0 bad=2"
    assert [row["line"] for row in bad_rows(path)] == ["1", "2"]


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", b"external_no,reason,amonut\nA,other,1\n", b'[{"external_no": "A"}]', b"{" + b" " * 70000]
)  # fmt: skip
def test_file_that_cannot_be_read_is_refused_whole(content: bytes, tmp_path: Path, db: None) -> None:
    path = tmp_path / "old.csv"
    path.write_bytes(content)
    with pytest.raises(CommandError):
        run(path)
    assert not RefundRequest.objects.exists()


def test_only_who_may_file_answers_for_a_file(cast: Cast, order: Order, tmp_path: Path) -> None:
    path = write(tmp_path / "old.csv", [row_of(order)])
    for username in (cast.finance.username, cast.auditor.username, cast.seller_user.username, "nobody"):
        with translation.override("en"), pytest.raises(CommandError, match="may file for a buyer"):
            run(path, by=username)
    assert not RefundRequest.objects.exists()
