"""What schemathesis is told beyond the document: who calls, and names that exist, so that calls get past the door."""

import time
import uuid
from random import Random
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import negated_parameters
from schemathesis.transport.serialization import Binary
from schemathesis.transport.wsgi import WSGITransport

from refunds.machine import SEALABLE, State
from tests.refunds.hostile.parts import pdf, png

from .stack import SIGN_ME
from .world import BUYER, EMAIL, PASSWORD, SHOP, World

KNOWN = 0.75  # of the generated names are replaced by one that is there
INGEST = "/api/v1/ingest/"


class Caller:
    """The buyer's token, or the shop's signature; what a case is to get wrong in its headers stays wrong."""

    def __init__(self, world: World) -> None:
        self.world = world

    def get(self, case: Any, context: Any) -> dict[str, str]:
        if not case.operation.path.startswith(INGEST):
            return {"Authorization": f"Bearer {self.world.token}"}
        return {
            "X-Shop": SHOP,
            "webhook-id": f"msg_{uuid.uuid4().hex}",
            "webhook-timestamp": str(int(time.time())),
            "webhook-signature": SIGN_ME,
        }

    def set(self, case: Any, data: dict[str, str], context: Any) -> None:
        wrong = {name for name, _where in negated_parameters(case.meta)}
        for name, value in data.items():
            if name not in wrong:
                case.headers[name] = value


def install(world: World, seed: int) -> None:
    """Register with schemathesis, once a process."""
    _let_probes_through()
    files = st.one_of(
        st.sampled_from([*(png(number) for number in range(8)), pdf()]), st.binary(max_size=200)
    )
    schemathesis.openapi.format("binary", files.map(Binary))
    schemathesis.auth(refresh_interval=None)(
        type("_Caller", (Caller,), {"__init__": lambda self: Caller.__init__(self, world)})
    )
    random = Random(seed)

    def known(names: list[Any]) -> Any:
        return random.choice(names) if names and random.random() < KNOWN else None

    @schemathesis.hook
    def filter_case(context: Any, case: Any) -> bool:
        """A form carries text alone: a number or a yes in it arrives as words, and is nothing wrong."""
        is_form = case.media_type == "multipart/form-data" and isinstance(case.body, dict)
        return not (is_form and any(isinstance(value, bool | int | float) for value in case.body.values()))

    @schemathesis.hook
    def before_call(context: Any, case: Any, kwargs: Any) -> None:
        """Names in the path and in a body that fits; what a case is to get wrong stays wrong."""
        name = context.operation.definition.raw.get("operationId")
        if not _is_wrong(case, ParameterLocation.PATH):
            _fill(case.path_parameters, {**_paths(world), **_open_to(world, name)}, known)
        if isinstance(case.body, dict) and name in BODIES and not _is_wrong(case, ParameterLocation.BODY):
            _fill(case.body, BODIES[name](world), known)


def _is_wrong(case: Any, where: ParameterLocation) -> bool:
    return case.meta is not None and bool(case.meta.is_negative_at(where))


def _fill(values: Any, found: dict[str, list[Any]], known: Any) -> None:
    for name, names in found.items():
        if name in (values or ()) and values[name] not in names and (value := known(names)) is not None:
            values[name] = value


def _paths(world: World) -> dict[str, list[Any]]:
    return {
        "no": world.orders,
        "number": world.cases,
        "ref": ["1", "2"],
        "external_no": world.external,
        "external_id": [BUYER],
        "goods_type": ["card_code", "live_coins"],
        "code": [world.seller.code],
    }


def _open_to(world: World, name: str) -> dict[str, list[Any]]:
    """Cases in a state in which the operation can do something, where there are any."""
    found = [number for state in STATES.get(name, ()) for number in world.in_state[state]]
    return {"number": found} if found else {}


def _let_probes_through() -> None:
    """ignored_auth asks again without a session, and 4.32 then hands a WSGI application what is for sockets."""
    send = WSGITransport.send

    def plain(self: Any, case: Any, **kwargs: Any) -> Any:
        if kwargs.get("session") is None:
            kwargs = {name: value for name, value in kwargs.items() if name not in SOCKET_SETTINGS}
        return send(self, case, **kwargs)

    WSGITransport.send = plain  # type: ignore[method-assign]


SOCKET_SETTINGS = ("max_redirects", "verify", "cert", "proxies")
STATES = {
    "appeal_refund_request": (State.REJECTED,),
    "respond_to_offer": (State.AWAITING_BUYER,),
    "make_sealed_offer": tuple(SEALABLE),
}
BODIES: dict[str, Any] = {
    "file_refund_request": lambda world: {
        "order": world.orders,
        "units": [["1"], ["1", "2"]],
        "amount": [{"amount": 100, "currency": "CNY"}],
    },
    "make_sealed_offer": lambda world: {
        "amount": [{"amount": each, "currency": "CNY"} for each in (1, 100, 2000, 9000)]
    },
    "read_notifications": lambda world: {"ids": [[each] for each in world.notices], "up_to": world.notices},
    "sign_in": lambda world: {"email": [EMAIL], "password": [PASSWORD]},
    "ingest_events": lambda world: {"unit": ["1"]},
    "ingest_order": lambda world: {
        "external_no": [*(f"F-{uuid.uuid4().hex[:12]}" for _n in range(9)), *world.external[:3]],
        "seller": [world.seller.code],
        "created_at": ["2026-01-05T10:00:00+08:00"],
        "buyer": [{"external_id": BUYER, "region": "CN"}],
    },
}
