"""Who gets in, asked at every address there is (requirements D3, K3; the contract's "another buyer's object is 404").

Another buyer, another seller, staff without the role, a person switched off and a visitor who is not signed in try each
method of each address with what its owner would send. They are refused as the table says, nothing is written, and what
is not theirs looks the same as what is not there.
"""

import base64
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.identity.roles import Role
from marketplace.kernel import crypto
from refunds.machine import JUDGES, State
from tests.cases import make_request
from tests.contested import arbiter, seat
from tests.evidence import evidence_folder, give
from tests.factories import ShopFactory, StaffFactory, make_member
from tests.people import Api, Cast, signed
from tests.portal.tools import words

from . import table
from .outsiders import Scene, body_of, scene, signed_in, written
from .table import DOORS, PAGES_OF_A_MODEL, SEES, Door

__all__ = ["evidence_folder"]
pytestmark = pytest.mark.usefixtures("evidence_folder")

PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
ADMIN_ROOT = "admin/"
NOBODY = {
    "no": "RO000000AAAAAAAA",
    "number": "RF000000AAAAAAAA",
    "endpoint_id": 999_999,
    "delivery_id": 999_999,
    "ref": "1",
}


SECRETS = (table.CODE, table.IDENTITY)
STAFF_DOORS = (
    table.DESK, table.MODEL, table.STAFF_CASE, table.NEXT, table.FINDING, table.FILING, table.KEPT, table.FIGURES,
    table.AUDIT, table.JUDGING, table.LAB, *SECRETS,
)  # fmt: skip


def routes(resolver: Any = None, prefix: str = "") -> Iterator[str]:
    for pattern in (resolver or get_resolver()).url_patterns:
        route = prefix + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLPattern):
            yield "admin/<app>/" if "?P<app_label>" in route else route
        else:
            yield from routes(pattern, route)


def model_pages() -> dict[str, str]:
    """route -> model, as Django's admin makes them."""
    return {
        ADMIN_ROOT + f"{model}/{page}".replace("<id>", "<path:object_id>"): model
        for model in SEES
        for page in PAGES_OF_A_MODEL
    }


def address(route: str, names: dict[str, Any]) -> str:
    if route == "admin/<app>/":
        return "/admin/refunds/"
    if route == "admin/(?P<url>.*)$":
        return "/admin/nowhere/"
    return "/" + PARAMETER.sub(lambda found: str(names[found[1]]), route)


def rows(*kinds: str) -> list[tuple[str, str, Door]]:
    return [
        (route, method, door)
        for route, door in DOORS.items()
        if door.kind in kinds
        for method in door.methods.split()
    ]


def call(client: Any, route: str, method: str, door: Door, scene: Scene, names: Any = None) -> Any:
    where = address(route, {**scene.names, **(names or {})})
    body = body_of(door.body, scene)
    if method == "GET":
        return client.get(where, body)
    if isinstance(client, Api) and "file" in body:
        return client.post(where, body, format="multipart")
    return client.post(where, body)


@pytest.fixture
def asked(cast: Cast) -> Scene:
    return scene(cast)


def refused(client: Any, kinds: tuple[str, ...], asked: Scene, statuses: set[int], **more: Any) -> None:
    """Every row of these kinds is answered with one of `statuses`, tells nothing and writes nothing."""
    wrong = []
    for route, method, door in rows(*kinds):
        before = written()
        response = call(client, route, method, door, asked, **more)
        text = b"".join(response).decode("utf-8", "replace")
        if response.status_code not in statuses:
            wrong.append(f"{method} {route} -> {response.status_code}")
        if found := [word for word in asked.private if word in text.replace(response.wsgi_request.path, "")]:
            wrong.append(f"{method} {route} tells {found}")
        if written() != before:
            wrong.append(f"{method} {route} wrote {written().items() - before.items()}")
    assert not wrong, "\n".join(wrong)


def test_every_address_has_a_row() -> None:
    known = {*DOORS, *model_pages()}
    found = set(routes())
    assert found - known == set(), "addresses without a row in tests/access/table.py"
    assert known - found == set(), "rows without an address"


def test_signed_out_visitor_gets_no_further_than_the_door(api: Api, asked: Scene) -> None:
    refused(api, (table.BUYER, table.OBJECT), asked, {401})
    refused(api, (table.SHOP,), asked, {401})
    refused(Client(), (table.PORTAL, table.OWN, table.CASE), asked, {302})
    refused(Client(), STAFF_DOORS, asked, {302})
    refused(Client(), (table.CHANNEL,), asked, {401, 404})


def test_open_doors_show_nothing_of_anybody(api: Api, asked: Scene) -> None:
    refused(api, (table.OPEN,), asked, {200, 302, 503})  # 503: the health of a program that is not all there
    refused(Client(), (table.SIGN_IN,), asked, {200, 302, 401, 415, 422})


def test_another_buyer_finds_nothing(api: Api, cast: Cast, asked: Scene) -> None:
    stranger = api.sign_in(cast.stranger)
    refused(stranger, (table.OBJECT,), asked, {404})
    refused(stranger, (table.BUYER,), asked, {200, 404})
    refused(stranger, (table.SHOP,), asked, {401})


def test_what_is_anothers_looks_as_if_it_were_not_there(api: Api, cast: Cast, asked: Scene) -> None:
    stranger = api.sign_in(cast.stranger)
    for route, method, door in rows(table.OBJECT):
        foreign = call(stranger, route, method, door, asked)
        unknown = call(stranger, route, method, door, asked, names=NOBODY)
        assert (foreign.status_code, foreign.content) == (unknown.status_code, unknown.content), route
    other = signed_in(cast.other_seller_user)
    for route, method, door in rows(table.CASE):
        foreign = call(other, route, method, door, asked)
        unknown = call(other, route, method, door, asked, names=NOBODY)
        assert (foreign.status_code, words(foreign)) == (unknown.status_code, words(unknown)), route


@pytest.mark.parametrize("who", ["seller_user", "reviewer", "supervisor", "auditor"])
def test_a_session_is_no_buyer_and_no_shop(cast: Cast, asked: Scene, who: str) -> None:
    refused(signed_in(getattr(cast, who)), (table.BUYER, table.OBJECT, table.SHOP), asked, {401})


def test_another_shop_knows_none_of_this_shops_orders(api: Api, asked: Scene) -> None:
    other = ShopFactory.create(code="other-shop")
    for route, method, door in rows(table.SHOP):
        if "<" not in route:
            continue  # a push names no row of ours
        before = written()
        where, body = address(route, asked.names), body_of(door.body, asked)
        answered = api.push(other, where, body)
        assert (method, answered.status_code) == ("POST", 404), route
        assert written() == before, route


def test_shop_that_signs_for_another_is_refused(api: Api, cast: Cast, asked: Scene) -> None:
    secret = "whsec_" + base64.b64encode(b"another secret, of 32 bytes long").decode()
    other = ShopFactory.create(code="other", sealed_secret=crypto.seal(secret, "shop:other"))
    now = int(timezone.now().timestamp())
    headers = signed(other, b"{}", "msg_1", now) | {"X-Shop": cast.shop.code}
    before = written()
    for route, _method, _door in rows(table.SHOP):
        where = address(route, asked.names)
        answered = api.post(where, b"{}", content_type="application/json", key=None, headers=headers)
        assert answered.status_code == 401, route
    assert written() == before


def test_another_sellers_person_finds_nothing(cast: Cast, asked: Scene) -> None:
    other = signed_in(cast.other_seller_user)
    refused(other, (table.CASE,), asked, {404})
    refused(other, (table.PORTAL,), asked, {200, 302, 400, 404, 409, 422})  # their own, in which nothing is
    refused(other, STAFF_DOORS, asked, {302, 403})


@pytest.mark.parametrize("role", ["", *Role])
def test_staff_are_no_sellers(asked: Scene, role: str) -> None:
    refused(signed_in(StaffFactory.create(role=role)), (table.PORTAL, table.OWN, table.CASE), asked, {403})


def test_person_switched_off_is_out(api: Api, cast: Cast, asked: Scene) -> None:
    for user, kinds in (
        (cast.seller_user, (table.PORTAL, table.OWN, table.CASE)),
        (cast.reviewer, STAFF_DOORS),
        (cast.supervisor, STAFF_DOORS),
    ):
        client = signed_in(user)
        User.objects.filter(pk=user.pk).update(is_active=False)
        refused(client, kinds, asked, {302})


def test_person_no_longer_of_the_seller_is_out(cast: Cast, asked: Scene) -> None:
    former = make_member(cast.seller)
    client = signed_in(former)
    former.membership.delete()
    refused(client, (table.PORTAL, table.OWN, table.CASE), asked, {403})


@pytest.mark.parametrize("role", ["", Role.POLICY_EDITOR])
def test_role_without_cases_sees_none_at_the_desk(asked: Scene, role: str) -> None:
    doors = (table.STAFF_CASE, table.FINDING, table.FILING, table.KEPT, table.MODEL)
    refused(signed_in(StaffFactory.create(role=role)), doors, asked, {403})


@pytest.mark.parametrize("role", ["", *sorted(set(Role) - SEES["refunds/backtestrun"])])
def test_who_reads_no_back_tests_learns_of_none(asked: Scene, role: str) -> None:
    client = signed_in(StaffFactory.create(role=role))
    for run_id in (asked.names["run_id"], 999_999):
        refused(client, (table.LAB,), asked, {403}, names={"run_id": run_id})


@pytest.mark.parametrize("role", sorted(SEES["refunds/backtestrun"]))
def test_who_reads_back_tests_finds_theirs_and_no_other(asked: Scene, role: str) -> None:
    client = signed_in(StaffFactory.create(role=role))
    for route, method, door in rows(table.LAB):
        assert call(client, route, method, door, asked).status_code == 200, route
        assert call(client, route, method, door, asked, names={"run_id": 999_999}).status_code == 404, route


@pytest.mark.parametrize("role", ["", *sorted(set(Role) - table.SEES_REVIEWERS)])
def test_figures_of_reviewers_are_for_those_of_the_table(asked: Scene, role: str) -> None:
    refused(signed_in(StaffFactory.create(role=role)), (table.JUDGING,), asked, {403})


@pytest.mark.parametrize("role", sorted(set(Role) - table.FILES))
def test_who_files_for_no_buyer_sees_no_order_to_file_for(asked: Scene, role: str) -> None:
    refused(signed_in(StaffFactory.create(role=role)), (table.FILING,), asked, {403})


@pytest.mark.parametrize("role", ["", *sorted(set(Role) - table.READS_FIGURES)])
def test_who_answers_for_no_figures_sees_none(asked: Scene, role: str) -> None:
    refused(signed_in(StaffFactory.create(role=role)), (table.FIGURES,), asked, {403})


@pytest.mark.parametrize("role", ["", *(role for role in Role if role not in JUDGES)])
def test_who_judges_nothing_is_handed_no_case(asked: Scene, role: str) -> None:
    refused(signed_in(StaffFactory.create(role=role)), (table.NEXT,), asked, {403})


@pytest.mark.parametrize("role", ["", *sorted(set(Role) - table.AUDITS)])
def test_who_looks_after_nobody_reads_no_audit_log(asked: Scene, role: str) -> None:
    refused(signed_in(StaffFactory.create(role=role)), (table.AUDIT,), asked, {403})


@pytest.mark.parametrize("role", ["", *sorted(set(Role) - table.JUDGES)])
def test_who_judges_nothing_sees_no_code(asked: Scene, role: str) -> None:
    refused(signed_in(StaffFactory.create(role=role)), (table.CODE,), asked, {403})


@pytest.mark.parametrize("role", ["", *sorted(set(Role) - table.VERIFIES)])
def test_who_verifies_nobody_sees_no_identity_document(cast: Cast, asked: Scene, role: str) -> None:
    document = give(asked.case, cast.support, kind="identity")
    where = {"position": document.position}
    refused(signed_in(StaffFactory.create(role=role)), (table.IDENTITY,), asked, {302, 403}, names=where)


def test_unseated_arbiter_is_a_stranger_to_every_case(cast: Cast, asked: Scene) -> None:
    client = signed_in(arbiter())
    refused(client, (table.STAFF_CASE,), asked, table.STRANGER)
    refused(client, (table.FILING, table.KEPT, table.MODEL), asked, {403})
    for route, method, door in rows(table.STAFF_CASE):
        foreign = call(client, route, method, door, asked)
        unknown = call(client, route, method, door, asked, names=NOBODY)
        assert (foreign.status_code, foreign["Location"]) == (unknown.status_code, unknown["Location"]), route
    queue = "/admin/refunds/refundrequest/"
    assert client.get(f"{queue}find/?q={asked.case.number}").json() == {"cases": []}
    for where in (queue, f"{queue}?q={asked.case.number}"):
        assert not [word for word in asked.private if f">{word}" in client.get(where).content.decode()], where


def test_seated_arbiter_sees_that_case_alone(cast: Cast, asked: Scene) -> None:
    ruled, person = make_request(cast, state=State.ARBITRATION), arbiter()
    seat(cast, ruled, person)
    client = signed_in(person)
    for route, method, door in rows(table.STAFF_CASE):
        if method == "GET":
            seen = call(client, route, method, door, asked, names={"number": ruled.number})
            text = seen.content.decode()
            assert {seen.status_code} == table.SEATED, route
            assert not [word for word in asked.private[:3] if word in text], route
    listed = client.get("/admin/refunds/refundrequest/").content.decode()
    assert ruled.number in listed
    assert asked.case.number not in listed
    refused(client, (table.STAFF_CASE,), asked, table.STRANGER)  # with the same buyer and seller


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.FINANCE, Role.RISK, Role.AUDITOR])
@pytest.mark.parametrize("state", [State.MANUAL_REVIEW, State.ARBITRATION])
def test_who_may_look_on_decides_nothing(cast: Cast, asked: Scene, role: str, state: str) -> None:
    case = make_request(cast, state=state)
    client = signed_in(StaffFactory.create(role=role))
    route = "admin/refunds/refundrequest/case/<str:number>/"
    before = written()
    answered = call(client, route, "POST", DOORS[route], asked, names={"number": case.number})
    assert answered.status_code == 403
    assert written() == before


def _pk(model: str) -> Any:
    found = apps.get_model(model.replace("/", ".")).objects.order_by("pk").first()
    return found.pk if found else None


@pytest.mark.parametrize("role", ["", *Role])
def test_rows_are_seen_by_the_roles_of_the_table_alone(asked: Scene, role: str) -> None:
    client = signed_in(StaffFactory.create(role=role))
    wrong = []
    for route, model in model_pages().items():
        pk = _pk(model)
        where = address(route, {"object_id": pk or 1})
        before = written()
        seen = client.get(where, follow=True)
        changed = client.post(where, {"move": "", "action": "delete_selected", "post": "yes"})
        if role not in SEES[model]:
            # Some addresses lead on, to the row's own page or, where no row is there, to the front page.
            led = [to for to, _status in seen.redirect_chain]
            told = [to for to in [*led, changed.get("Location", "")] if any(w in to for w in asked.private)]
            front = {200} if pk is None and led[-1:] == ["/admin/"] else set()
            leads_on = {302} if led else set()
            if seen.status_code not in {403} | front or changed.status_code not in {403} | leads_on or told:
                wrong.append(f"{route}: {seen.status_code}, post {changed.status_code} {told}")
        elif seen.status_code >= 500 or changed.status_code >= 500:
            wrong.append(f"{route}: {seen.status_code}, post {changed.status_code}")
        if written() != before:
            wrong.append(f"{route} wrote {written().items() - before.items()}")
    assert not wrong, "\n".join(wrong)


def test_link_to_a_file_is_its_viewers_alone(cast: Cast, asked: Scene) -> None:
    [(route, _method, _door)] = rows(table.LINK)
    good = address(route, asked.names)
    assert Client().get(good).status_code == 200
    for forged in (good[:-3] + "aa/", "/evidence/x/", good + "x"):
        assert Client().get(forged).status_code == 404
