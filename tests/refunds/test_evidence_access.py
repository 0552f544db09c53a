"""Who may give evidence, who may open it, and for how long (requirement D3): the table, asked of everybody."""

from datetime import timedelta

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.kernel.errors import NotFound, NotPermitted
from refunds.evidence import links, storage
from refunds.evidence.links import Viewer
from refunds.machine import State
from refunds.models import RefundRequest
from refunds.operations import give_evidence as giving
from tests.cases import make_request
from tests.evidence import give, problem_of, send, state_of, upload
from tests.factories import StaffFactory
from tests.people import Api, Cast
from tests.refunds.hostile.parts import pdf, png

pytestmark = pytest.mark.usefixtures("evidence_folder")


@pytest.fixture
def case(cast: Cast) -> RefundRequest:
    return make_request(cast, state=State.MANUAL_REVIEW, decided=True)


def test_strangers_cannot_give(api: Api, cast: Cast, case: RefundRequest) -> None:
    before = state_of(case)
    assert problem_of(send(api.sign_in(cast.stranger), case)) == (404, "not_found")
    assert problem_of(send(api, case)) == (401, "not_authenticated")
    gift = {"number": case.number, "kind": "other", "upload": upload(), "note": "", "now": timezone.now()}
    for user in (cast.other_seller_user, cast.reviewer, StaffFactory.create(role="")):
        with pytest.raises(NotFound):
            giving.give_as_seller(user=user, **gift)
    for user in (cast.seller_user, cast.finance, cast.auditor, StaffFactory.create(role="")):
        with pytest.raises(NotPermitted):
            giving.give_as_staff(user=user, **gift)
    assert state_of(case) == before


def test_identity_document_is_the_buyers_own_to_give(cast: Cast, case: RefundRequest) -> None:
    give(case, cast.support, kind="identity", side="buyer")
    for side in ("seller", ""):
        with pytest.raises(giving.UnknownKind):
            give(case, cast.support, png(1), kind="identity", side=side)


def test_file_put_in_by_staff_says_whose_it_is_and_by_whom(cast: Cast, case: RefundRequest) -> None:
    for side, by in (("buyer", "buyer"), ("seller", "seller"), ("", "reviewer")):
        evidence = give(case, cast.reviewer, side=side)
        assert (evidence.by, evidence.user) == (by, cast.reviewer)


SEES = "see"
# kind of file x who, by a link: an identity document opens for none of them, but for verifiers who say why
# (desk/test_sensitive.py).
ACCESS = {
    "seller_user": {"other": SEES, "identity": ""},
    "other_seller_user": {"other": "", "identity": ""},
    "reviewer": {"other": SEES, "identity": ""},
    "supervisor": {"other": SEES, "identity": ""},
    "support": {"other": SEES, "identity": ""},
    "finance": {"other": SEES, "identity": ""},
    "auditor": {"other": SEES, "identity": ""},
    "no_role": {"other": "", "identity": ""},
    "not_active": {"other": "", "identity": ""},
}


@pytest.mark.parametrize("kind", ["other", "identity"])
@pytest.mark.parametrize("who", ACCESS)
def test_who_sees_which_file(cast: Cast, case: RefundRequest, who: str, kind: str) -> None:
    evidence = give(case, cast.support, kind=kind)
    user = _person(cast, who)
    url = links.link(evidence.pk, Viewer(links.USER, user.pk), timezone.now())
    response = _signed_in(user).get(url)
    assert response.status_code == (200 if ACCESS[who][kind] else 404)


def test_link_works_for_the_person_it_was_made_for_alone(cast: Cast, case: RefundRequest) -> None:
    evidence = give(case, cast.support)
    url = links.link(evidence.pk, Viewer(links.USER, cast.reviewer.pk), timezone.now())
    assert _signed_in(cast.reviewer).get(url).status_code == 200
    assert Client().get(url).status_code == 404  # signed out
    assert _signed_in(cast.second_reviewer).get(url).status_code == 404
    not_theirs = links.link(evidence.pk, Viewer(links.BUYER, cast.stranger.pk), timezone.now())
    assert Client().get(not_theirs).status_code == 404


def test_link_is_good_for_five_minutes(cast: Cast, case: RefundRequest) -> None:
    evidence = give(case, cast.support)
    viewer = Viewer(links.BUYER, cast.buyer.pk)
    ago = timezone.now() - timedelta(minutes=5)
    assert Client().get(links.link(evidence.pk, viewer, ago + timedelta(seconds=30))).status_code == 200
    assert Client().get(links.link(evidence.pk, viewer, ago)).status_code == 404


def test_forged_link_opens_nothing(cast: Cast, case: RefundRequest) -> None:
    evidence = give(case, cast.support)
    good = links.link(evidence.pk, Viewer(links.BUYER, cast.buyer.pk), timezone.now())
    token = good.removeprefix("/evidence/").rstrip("/")
    unsigned = signing.dumps([evidence.pk, links.BUYER, cast.buyer.pk, 0, 9_999_999_999], salt="another")
    for forged in (token[:-1] + ("a" if token[-1] != "a" else "b"), "x" + token, unsigned, "x", "1:2:3"):
        response = Client().get(f"/evidence/{forged}/")
        assert response.status_code == 404
    assert Client().post(good).status_code == 405


def test_rights_lost_end_a_link_at_once(cast: Cast, case: RefundRequest) -> None:
    evidence = give(case, cast.support)
    url = links.link(evidence.pk, Viewer(links.USER, cast.reviewer.pk), timezone.now())
    browser = _signed_in(cast.reviewer)
    User.objects.filter(pk=cast.reviewer.pk).update(role="")
    assert browser.get(url).status_code == 404


@pytest.mark.parametrize(
    ("data", "name", "disposition"),
    [(png(), "a.html", "inline"), (pdf(), "a.html", "attachment")],
)
def test_file_is_served_so_that_nothing_in_it_runs(
    cast: Cast, case: RefundRequest, data: bytes, name: str, disposition: str
) -> None:
    evidence = give(case, cast.support, data)
    url = links.link(evidence.pk, Viewer(links.BUYER, cast.buyer.pk), timezone.now())
    response = Client().get(url)
    assert response["Content-Type"] == evidence.media_type
    assert response["Content-Disposition"].startswith(f"{disposition}; filename=")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox;" in response["Content-Security-Policy"]
    assert "script-src" not in response["Content-Security-Policy"]
    assert response["Cache-Control"] == "private, no-store"
    assert response["X-Frame-Options"] == "DENY"


def test_file_gone_from_the_storage_is_not_found(cast: Cast, case: RefundRequest) -> None:
    evidence = give(case, cast.support)
    storage.discard(evidence.key)
    url = links.link(evidence.pk, Viewer(links.BUYER, cast.buyer.pk), timezone.now())
    assert Client().get(url).status_code == 404


def _person(cast: Cast, who: str) -> User:
    if who == "no_role":
        return StaffFactory.create(role="")
    if who == "not_active":
        return StaffFactory.create(role="supervisor", is_active=False)
    return cast._asdict()[who]  # type: ignore[no-any-return]


def _signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="marketplace.identity.backends.RoleBackend")
    return client
