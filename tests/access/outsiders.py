"""Everybody who is no party to a case, as clients; and a way to see that nothing was written."""

from typing import Any, NamedTuple

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.notices.models import Delivery, Endpoint, Notice
from refunds.evidence.links import BUYER, Viewer, link
from refunds.machine import State
from refunds.models import RefundRequest
from tests.cases import make_request
from tests.evidence import give
from tests.people import Cast
from tests.refunds.hostile.parts import png
from tests.terms import draft, try_on_decided_cases

# Of a request, not of what it asks for: a session that learns a language or is seen, an attempt to guess a password.
NOT_COUNTED = (
    "django_session", "axes_accessattempt", "axes_accesslog", "axes_accessfailurelog", "identity_staffsession",
    "identity_auditentry",
)  # fmt: skip


class Scene(NamedTuple):
    """A case in its course, with what addresses name."""

    case: RefundRequest
    names: dict[str, Any]  # of path parameters
    private: tuple[str, ...]  # what no outsider may read


def written() -> dict[str, int]:
    """Rows inserted, changed or removed by this transaction so far, by table; undone work counts as well."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables"
            " WHERE n_tup_ins + n_tup_upd + n_tup_del > 0"
        )
        return {table: count for table, count in cursor.fetchall() if table not in NOT_COUNTED}


def scene(cast: Cast) -> Scene:
    case = make_request(cast, state=State.AWAITING_SELLER, decided=True)
    evidence = give(case, cast.support)
    run = try_on_decided_cases(draft())  # of the rules: for a page of each kind of row there is one to open
    now = timezone.now()
    endpoint = Endpoint.objects.create(
        seller=cast.seller, url="https://hooks.example.com/x", sealed_secret=b"x", created_at=now
    )
    for kind, who in (("buyer", cast.buyer.pk), ("seller", cast.seller.pk)):
        Notice.objects.create(
            recipient_kind=kind,
            recipient_id=who,
            topic="request_filed",
            source=f"{case.number}:1",
            subject=case.number,
            data={"number": case.number},
            language="en",
            created_at=now,
        )
    notice = Notice.objects.order_by("id").first()
    delivery = Delivery.objects.create(
        notice=notice, endpoint=endpoint, way="webhook", created_at=now, next_try_at=now
    )
    names = {
        "no": case.order.no,
        "ref": "1",
        "number": case.number,
        "external_no": case.order.external_no,
        "external_id": cast.buyer.external_id,
        "goods_type": "card_code",
        "code": cast.seller.code,
        "channel": "alipay",
        "position": evidence.position,
        "token": link(evidence.pk, Viewer(BUYER, cast.buyer.pk), now).split("/")[2],
        "endpoint_id": endpoint.pk,
        "delivery_id": delivery.pk,
        "notice": notice.pk if notice else 1,
        "rest": "nowhere/",
        "content_type_id": 1,
        "object_id": 1,
        "user_id": cast.reviewer.pk,
        "label": "refunds.refundrequest",
        "pk": 1,
        "run_id": run.pk,
    }
    return Scene(case, names, (case.number, case.order.no, f"CARD-{case.order.no}", cast.buyer.external_id))


def body_of(body: dict[str, Any], scene: Scene) -> dict[str, Any]:
    """Fresh for each call: a file is read once."""
    event = {"type": "redeemed", "at": "2026-01-01T00:00:00Z", "ref": "x"}
    stand_ins = {
        "<no>": scene.names["no"],
        "<external>": scene.names["external_no"],
        "<notice>": scene.names["notice"],
        "<events>": [event],
        "<amount>": {"amount": 100, "currency": "CNY"},
        "<file>": SimpleUploadedFile("screen.png", png(3), "image/png"),
    }

    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(each) for each in value]
        return stand_ins.get(value, value) if isinstance(value, str) else value

    return {name: filled(value) for name, value in body.items()}


def signed_in(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user, backend="marketplace.identity.backends.RoleBackend")
    return client
