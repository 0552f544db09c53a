"""The channels by which a request comes in, each spoken as its people do: by its page, its call, its command."""

import csv
import itertools
import re
import tempfile
import uuid
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.kernel.idempotency import Key
from marketplace.orders.models import Order
from refunds.filing_channels import FilingChannel
from refunds.operations.file import Filing, Source, file_request, number_alone
from refunds.permissions import SYSTEM
from refunds.transitions import OpenRequestExists
from tests.people import Api, Cast

REASON = "invalid_code"
_tickets = itertools.count(1)
NUMBER = re.compile(r"RF\w{6,}")


class Answered(NamedTuple):
    """`number` of the request that was filed, or `refused` with what was said."""

    number: str = ""
    refused: str = ""


def desk_path(order: Order) -> str:
    return f"/admin/refunds/refundrequest/file/{order.no}/"


def portal_path(order: Order) -> str:
    return f"/portal/orders/{order.no}/refund/"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="marketplace.identity.backends.RoleBackend")
    client.cookies["django_language"] = "en"
    return client


def form(client: Client, path: str, **fields: Any) -> dict[str, Any]:
    """The fields as a browser would send them after pressing Check."""
    data = {"reason": REASON, "description": "The shop says the code is invalid.", **fields}
    page = client.post(path, {**data, "form_key": uuid.uuid4().hex, "action": "check"}).content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="(form_key|checked)" value="(\w*)">', page))
    return {**data, **hidden, "action": "file"}


def _posted(client: Client, path: str, **fields: Any) -> Answered:
    page = client.post(path, form(client, path, **fields))
    if page.status_code == 302:
        found = NUMBER.search(page["Location"])
        assert found, page["Location"]
        return Answered(found[0])
    assert page.status_code == 409, page.content.decode()
    return Answered(refused=page.content.decode())


def by_api(cast: Cast, order: Order) -> Answered:
    body = {"order": order.no, "reason": REASON}
    answer = Api().sign_in(cast.buyer).post("/api/v1/refund-requests/", body)
    if answer.status_code == 201:
        return Answered(answer.json()["number"])
    assert (answer.status_code, answer.json()["code"]) == (409, "open_request_exists")
    return Answered(refused=answer.json()["number"])


def by_portal(cast: Cast, order: Order) -> Answered:
    return _posted(signed_in(cast.seller_user), portal_path(order))


def by_desk(channel: str) -> Callable[[Cast, Order], Answered]:
    def file(cast: Cast, order: Order) -> Answered:
        told = {
            "channel": channel,
            "ticket": f"T-{next(_tickets)}",
            "caller_check": "Named the order number.",
        }
        return _posted(signed_in(cast.support), desk_path(order), **told)

    return file


def by_import(cast: Cast, order: Order) -> Answered:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requests.csv"
        write(path, [row_of(order, ticket=f"I-{next(_tickets)}")])
        out = StringIO()
        call_command("import_requests", str(path), stdout=out)
        if "filed=1" in out.getvalue():
            return Answered(order.refund_requests.latest("id").number)
        return Answered(refused=bad_rows(path)[0]["reason"])


def by_system(cast: Cast, order: Order) -> Answered:
    """As the machine files what was taken twice (return_duplicates)."""
    try:
        outcome = file_request(
            buyer_id=order.buyer_id,
            filing=Filing(order.no, REASON),
            key=Key("system:test", uuid.uuid4().hex, b"0" * 32),
            present=number_alone,
            now=timezone.now(),
            source=Source(FilingChannel.SYSTEM, SYSTEM),
        )
    except OpenRequestExists as refusal:
        return Answered(refused=refusal.extra["number"])
    return Answered(outcome.answer["number"])


FILERS: dict[str, Callable[[Cast, Order], Answered]] = {
    FilingChannel.API: by_api,
    FilingChannel.PORTAL: by_portal,
    FilingChannel.STAFF: by_desk("staff"),
    FilingChannel.PHONE: by_desk("phone"),
    FilingChannel.TICKET: by_desk("ticket"),
    FilingChannel.IMPORT: by_import,
    FilingChannel.SYSTEM: by_system,
}


def row_of(order: Order, **fields: str) -> dict[str, str]:
    return {"shop": order.shop.code, "external_no": order.external_no, "reason": REASON, **fields}


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    return path


def bad_rows(path: Path) -> list[dict[str, str]]:
    with path.with_name(path.name + ".bad.csv").open(newline="") as file:
        return list(csv.DictReader(file))
