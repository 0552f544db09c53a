"""Importing files of three shops: good rows go in whole, bad rows are named, a second run changes nothing."""

import csv
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from marketplace.ledger import operations as ledger
from marketplace.ledger import queries
from marketplace.ledger.models import Posting
from marketplace.orders import secrets
from marketplace.orders.models import Order, Shop, Unit, UnitEvent
from marketplace.payments.models import Capture

from . import bodies, make_orders, rows

pytestmark = pytest.mark.django_db
FORMATS = ("recourse", "dujiaoka", "acg-faka")


def run(path: Path, file_format: str, **options: Any) -> str:
    """The last line of the command."""
    out = StringIO()
    call_command("import_orders", str(path), format=file_format, seller="S-0001", stdout=out, **options)
    return out.getvalue()


def bad_rows(path: Path) -> list[dict[str, str]]:
    with (path.parent / (path.name + ".bad.csv")).open(newline="") as file:
        return list(csv.DictReader(file))


def dujiaoka(path: Path, *changes: dict[str, Any], encoding: str = "utf-8") -> Path:
    made = (make_orders.dujiaoka_row(n) | change for n, change in enumerate(changes, start=1))
    return make_orders.write_csv(path, made, encoding)


@pytest.mark.parametrize("file_format", FORMATS)
def test_orders_come_in_whole_and_once(tmp_path: Path, file_format: str) -> None:
    path = make_orders.write(file_format, 60, tmp_path / "orders")

    assert "imported=60 known=0 bad=0 seconds=" in run(path, file_format).splitlines()[-1]

    assert (Order.objects.count(), Capture.objects.count(), UnitEvent.objects.count()) == (60, 60, 60)
    unit = Unit.objects.select_related("order").order_by("id")[6]
    assert secrets.unseal(unit, unit.order.no) == make_orders.code(7)
    assert unit.events.get().type == "delivered"
    assert unit.order.completed_at == unit.events.get().at or file_format == "recourse"
    assert (
        queries.balance("clearing", "alipay" if file_format == "recourse" else "bank_transfer", "CNY")
        == 60 * 4900
    )
    assert rows.unbalanced() == 0
    assert make_orders.code(7) not in rows.texts()

    before = rows.contents()
    assert "imported=0 known=60 bad=0" in run(path, file_format)
    assert rows.contents() == before
    assert not (tmp_path / "orders.bad.csv").exists()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_encoding_is_found_out(tmp_path: Path, encoding: str) -> None:
    path = dujiaoka(tmp_path / "o.csv", {"title": "原神 648 创世结晶"}, encoding=encoding)
    run(path, "dujiaoka")
    assert Order.objects.get().title == "原神 648 创世结晶"


def test_one_broken_byte_spoils_its_row_and_no_other(tmp_path: Path) -> None:
    path = dujiaoka(tmp_path / "o.csv", {}, {"title": "BROKEN"}, {})
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"BROKEN", b"x\xffy"))
    assert "imported=2 known=0 bad=1" in run(path, "dujiaoka")
    assert bad_rows(path)[0]["field"] == "title"


def test_quotes_and_line_breaks_stay_in_their_field(tmp_path: Path) -> None:
    path = dujiaoka(tmp_path / "o.csv", {"title": 'He said "go",\nand went'}, {"status": "9"})
    assert "imported=1 known=0 bad=1" in run(path, "dujiaoka")
    assert Order.objects.get().title == 'He said "go",\nand went'
    assert bad_rows(path)[0]["line"] == "4"  # the row before it takes two lines


BAD = [
    ({"actual_price": "forty"}, "actual_price"),
    ({"actual_price": "49.001"}, "actual_price"),
    ({"actual_price": "0.00"}, "actual_price"),
    ({"actual_price": "-1"}, "actual_price"),
    ({"actual_price": "1e999999"}, "actual_price"),
    ({"buy_amount": "two"}, "buy_amount"),
    ({"buy_amount": "0"}, "buy_amount"),
    ({"buy_amount": "1001", "info": ""}, "buy_amount"),
    ({"buy_amount": "999999999", "info": ""}, "buy_amount"),
    ({"created_at": ""}, "created_at"),
    ({"created_at": "2026-13-01 00:00:00"}, "created_at"),
    ({"created_at": "2030-01-01 00:00:00", "updated_at": "2030-01-01 00:00:00"}, "created_at"),
    ({"updated_at": "2026-09-01 00:00:00"}, "updated_at"),
    ({"order_sn": ""}, "order_sn"),
    ({"order_sn": "x" * 129}, "order_sn"),
    ({"status": "7"}, "status"),
    ({"title": ""}, "title"),
    ({"buy_amount": "2", "info": "a\nb\nc"}, "info"),
    ({"title": "nul \x00"}, "title"),
    ({"order_sn": "SN0000000001"}, "external_no"),
    ({"trade_no": "2026000000000001"}, "channel_no"),
]


def test_bad_rows_are_named_and_good_ones_imported(tmp_path: Path) -> None:
    path = dujiaoka(tmp_path / "o.csv", {}, *[change for change, _field in BAD], {})
    for run_number, good in enumerate(("imported=2 known=0", "imported=0 known=2")):
        assert f"{good} bad={len(BAD)} " in run(path, "dujiaoka"), run_number
        found = {int(row["line"]): row for row in bad_rows(path)}
        physical = 2
        for change, field in [({}, ""), *BAD]:
            if field:
                assert found[physical]["field"] == field, (change, found[physical])
                assert found[physical]["reason"] and found[physical]["raw"]
            physical += 1 + str(change.get("info", "")).count("\n")
    assert Order.objects.count() == 2
    assert Path(f"{path}.bad.csv").stat().st_mode & 0o777 == 0o600


def test_row_with_too_few_fields_is_bad(tmp_path: Path) -> None:
    path = dujiaoka(tmp_path / "o.csv", {})
    path.write_text(path.read_text() + "1,2,3\n\n")
    assert "imported=1 known=0 bad=1" in run(path, "dujiaoka")


def test_unpaid_and_deleted_orders_are_left_out_and_counted(tmp_path: Path) -> None:
    path = dujiaoka(
        tmp_path / "o.csv",
        {"status": "1"},
        {"status": "-1"},
        {"status": "5", "trade_no": ""},
        {"deleted_at": "2026-10-02 00:00:00"},
        {"status": "6", "info": ""},
    )
    out = run(path, "dujiaoka")
    assert "skipped: deleted=1 unpaid=3" in out and "imported=1 known=0 bad=0" in out
    order = Order.objects.get()  # paid, but the stock was empty: what buyers complain about
    assert (order.captures.count(), order.completed_at, UnitEvent.objects.count()) == (1, None, 0)


def test_short_delivery_is_seen(tmp_path: Path) -> None:
    run(dujiaoka(tmp_path / "o.csv", {"buy_amount": 3, "info": "a-code\nb-code"}), "dujiaoka")
    assert [unit.events.count() for unit in Unit.objects.order_by("id")] == [1, 1, 0]


def test_manual_delivery_keeps_the_buyers_inputs_as_target(tmp_path: Path) -> None:
    run(
        dujiaoka(tmp_path / "o.csv", {"type": 2, "info": "账号:hero-1\n区服：East 3"}),
        "dujiaoka",
        goods_type="direct_topup",
    )
    order = Order.objects.get()
    assert order.target == {"账号": "hero-1", "区服": "East 3"}
    assert (order.goods_type, order.units.get().sealed_secret, UnitEvent.objects.count()) == (
        "direct_topup",
        None,
        1,
    )


def test_tables_name_goods_and_channels(tmp_path: Path) -> None:
    goods, pays = tmp_path / "goods.csv", tmp_path / "pays.csv"
    goods.write_text("id,gd_name\n1,Named card\n")
    pays.write_text(
        "id,pay_name,pay_check\n1,微信,wescan\n2,支付宝,alipayscan\n3,PayPal,paypal\n4,x,stripe\n5,x,other\n"
    )
    path = dujiaoka(tmp_path / "o.csv", *[{"goods_id": 1, "pay_id": n} for n in (1, 2, 3, 4, 5)])
    run(path, "dujiaoka", goods=goods, pays=pays)
    assert list(Capture.objects.order_by("id").values_list("channel", flat=True)) == [
        "wechat_pay", "alipay", "card", "stripe", "bank_transfer",
    ]  # fmt: skip
    assert set(Order.objects.values_list("product__title", flat=True)) == {"Named card"}


def test_flat_csv_of_our_own(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_text(
        "external_no,buyer,sku,title,total,created_at,quantity,conditions,window_days,channel,channel_no,paid_at,codes,currency\n"
        "A-1,u-1,s,t,49.01,2026-11-01 10:00:00,2,unused_within_hours=24;not_bound_to_account,7,card,c-1,2026-11-01T10:01:00Z,a,USD\n"
        "A-2,u-1,s,t,49,2026-11-01 10:00:00,,,30,,,,,\n"
        "A-3,u-1,s,t,49,2026-11-01 10:00:00,,sometimes,,,,,,\n"
        "A-4,u-1,s,t,49,2026-11-01 10:00:00,,,,card,,,,\n"
    )
    assert "imported=1 known=0 bad=3" in run(path, "recourse")
    order = Order.objects.get()
    assert (order.total, order.currency, order.quantity) == (4901, "USD", 2)
    assert order.snapshot["terms"]["window_days"] == 7
    assert [row["field"] for row in bad_rows(path)] == ["window_days", "conditions", "channel_no"]


def test_accounts_that_are_only_remembered_are_made_again(tmp_path: Path) -> None:
    """A process that outlives its database (restored, flushed) must not lose postings without a word."""
    ledger._known.update(
        {("clearing", "alipay", "CNY"), *(("escrow", f"S-{n:04}", "CNY") for n in range(20))}
    )
    run(make_orders.write("recourse", 40, tmp_path / "orders"), "recourse")
    assert (Posting.objects.count(), rows.unbalanced()) == (80, 0)


def test_rate_of_1_for_cny_is_taken_as_none(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_text(
        "external_no,buyer,sku,title,total,created_at,currency,fx_rate\n"
        "A-1,u-1,s,t,49,2026-11-01 10:00:00,CNY,1\n"
        "A-2,u-1,s,t,49,2026-11-01 10:00:00,,1.0\n"
        "A-3,u-1,s,t,49,2026-11-01 10:00:00,CNY,7.1\n"
        "A-4,u-1,s,t,49,2026-11-01 10:00:00,USD,7.1\n"
    )
    assert "imported=3 known=0 bad=1" in run(path, "recourse")
    assert [str(rate) for rate in Order.objects.order_by("external_no").values_list("fx_rate", flat=True)] == [
        "None", "None", "7.10000000",
    ]  # fmt: skip
    assert bad_rows(path)[0]["field"] == "fx_rate"


def test_reasons_are_in_the_language_of_whoever_imports(tmp_path: Path) -> None:
    from django.utils import translation

    path = dujiaoka(tmp_path / "o.csv", {"actual_price": "forty"})
    with translation.override("en"):
        run(path, "dujiaoka")
    assert bad_rows(path)[0]["reason"].startswith("Not an amount in CNY.")


def test_json_lines_name_the_pointer(tmp_path: Path) -> None:
    import json

    path = tmp_path / "o.jsonl"
    lines = [json.dumps(bodies.order()), "{", "[]", json.dumps(bodies.bent("/units/0/events/1/type", "sent"))]
    path.write_text("\n".join(lines))
    assert "imported=1 known=0 bad=3" in run(path, "recourse")
    assert [(row["line"], row["field"]) for row in bad_rows(path)] == [
        ("2", ""),
        ("3", ""),
        ("4", "/units/0/events/1/type"),
    ]


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize(("content", "says"), [("", "empty"), ("a,b,c\n1,2,3\n", "created_at|create_time")])
def test_file_of_another_kind_is_refused(
    tmp_path: Path, settings: Any, file_format: str, content: str, says: str
) -> None:
    from django.utils import translation

    path = tmp_path / "o.csv"
    path.write_text(content)
    with translation.override("en"), pytest.raises(CommandError, match=says):
        run(path, file_format)
    assert Order.objects.count() == 0


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"nowhere\.csv"):
        run(tmp_path / "nowhere.csv", "dujiaoka")


def test_orders_that_came_by_the_api_are_known(tmp_path: Path, push: Any, shop: Shop) -> None:
    import json

    push(bodies.order())
    path = tmp_path / "o.jsonl"
    path.write_text(json.dumps(bodies.order()))
    assert "imported=0 known=1 bad=0" in run(path, "recourse", shop="djk")


def test_row_the_database_refuses_is_bad_and_the_rest_goes_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from marketplace.intake import writing

    plain = writing._order_row

    def spoilt(*args: Any) -> Any:
        row = list(plain(*args))
        row[12] = "not a number" if row[3] == "SN0000000005" else None
        return row

    monkeypatch.setattr(writing, "_order_row", spoilt)
    path = make_orders.write("dujiaoka", 40, tmp_path / "o.csv")
    assert "imported=39 known=0 bad=1" in run(path, "dujiaoka")
    assert bad_rows(path)[0]["line"] == "6"
