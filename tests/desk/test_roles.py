"""Every role on every page: what roles.py grants opens, everything else is refused."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.identity.roles import PERMISSIONS, Role
from marketplace.ledger.models import Account, Transaction
from marketplace.orders import secrets
from marketplace.payments.models import Capture, Transfer
from marketplace.risk.models import Signal
from refunds.models import PolicyVersion, RefundRequest
from tests.cases import make_request
from tests.factories import hours
from tests.people import Cast

from .conftest import QUEUE, make_stuck, staff, url_of

SignIn = Callable[[User], Client]

TABLES = (
    "refunds.refundrequest", "refunds.policyversion", "orders.order", "orders.shop", "identity.buyer", "identity.user",
    "sellers.seller", "payments.capture", "payments.transfer", "ledger.transaction", "ledger.account", "risk.signal",
)  # fmt: skip


@pytest.fixture
def rows(cast: Cast) -> dict[str, int]:
    """One row of each table."""
    request = make_stuck(cast)
    signal = Signal.objects.create(buyer=cast.buyer, kind="other", note="Two accounts, one device")
    found = {
        "refunds.refundrequest": request.pk,
        "orders.order": request.order_id,
        "orders.shop": cast.shop.pk,
        "identity.buyer": cast.buyer.pk,
        "identity.user": cast.reviewer.pk,
        "sellers.seller": cast.seller.pk,
        "risk.signal": signal.pk,
    }
    for model in (PolicyVersion, Capture, Transfer, Transaction, Account):
        row = model.objects.order_by("id").first()
        assert row is not None
        found[model._meta.label_lower] = row.pk
    return found


@pytest.mark.parametrize("role", Role.values)
def test_role_opens_what_the_role_table_grants_and_nothing_else(
    role: str, rows: dict[str, int], signed_in: SignIn
) -> None:
    client = signed_in(staff(role))
    assert client.get("/admin/").status_code == 200
    for table in TABLES:
        app, model = table.split(".")
        granted = f"{app}.view_{model}" in PERMISSIONS[role]
        wanted = 200 if granted else 403
        assert client.get(reverse(f"admin:{app}_{model}_changelist")).status_code == wanted, table
        page = client.get(reverse(f"admin:{app}_{model}_change", args=[rows[table]]), follow=granted)
        assert page.status_code == wanted or (table == "refunds.refundrequest" and page.status_code == 302), (
            table
        )
        deletion = client.post(reverse(f"admin:{app}_{model}_delete", args=[rows[table]]), {"post": "yes"})
        assert deletion.status_code == 403, table
        adding = 200 if f"{app}.add_{model}" in PERMISSIONS[role] else 403
        assert client.get(reverse(f"admin:{app}_{model}_add")).status_code == adding, table


@pytest.mark.parametrize("role", Role.values)
def test_case_page_opens_to_roles_with_cases(role: str, cast: Cast, signed_in: SignIn) -> None:
    request = make_request(cast, state="manual_review")
    granted = "refunds.view_refundrequest" in PERMISSIONS[role]
    opens = 302 if role == Role.ARBITER else 200  # back to the list: an arbiter sees where appointed
    assert signed_in(staff(role)).get(url_of(request)).status_code == (opens if granted else 403)


def test_nobody_and_a_sellers_person_are_sent_to_sign_in(cast: Cast, signed_in: SignIn) -> None:
    request = make_request(cast, state="manual_review")
    for client in (Client(), signed_in(cast.seller_user)):
        for path in ("/admin/", QUEUE, url_of(request)):
            answer = client.get(path)
            assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, "/admin/login/")
        assert client.post(url_of(request), {"move": "approve", "note": "x"}).status_code == 302
    assert RefundRequest.objects.get().state == "manual_review"


def test_a_post_without_a_csrf_token_is_refused(cast: Cast) -> None:
    request = make_request(cast, state="manual_review")
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.reviewer, backend="marketplace.identity.backends.RoleBackend")
    assert client.post(url_of(request), {"move": "approve", "note": "Agreed."}).status_code == 403
    assert RefundRequest.objects.get().state == "manual_review"


def test_no_page_holds_a_card_code(rows: dict[str, int], signed_in: SignIn) -> None:
    request = RefundRequest.objects.get()
    unit = request.order.units.get()
    code = f"CARD-{request.order.no}-{unit.ref}"
    assert secrets.seal(code, request.order.no, unit.ref)[1] == bytes(unit.secret_fingerprint or b"")
    assert unit.sealed_secret
    sealed = bytes(unit.sealed_secret)
    traces = [code, sealed.hex(), sealed.decode("latin-1")[:12], bytes(unit.secret_fingerprint or b"").hex()]
    for role in Role.values:
        client = signed_in(staff(role))
        paths = [f"/admin/{table.replace('.', '/')}/" for table in TABLES]
        paths += [f"{path}{rows[table]}/change/" for path, table in zip(paths, TABLES, strict=True)]
        for path in [*paths, url_of(request)]:
            page = client.get(path, follow=True).content.decode()
            assert not [trace for trace in traces if trace in page], (role, path)


def test_supervisor_raises_and_clears_a_signal_once(cast: Cast, signed_in: SignIn) -> None:
    client = signed_in(cast.supervisor)
    added = client.post(
        "/admin/risk/signal/add/",
        {"buyer": cast.buyer.pk, "kind": "other", "note": "Same device as a banned account"},
    )
    assert added.status_code == 302, added.content.decode()
    signal = Signal.objects.get()
    assert (signal.raised_by, signal.cleared_at) == (cast.supervisor, None)
    url = f"/admin/risk/signal/{signal.pk}/change/"
    client.post(url, {"is_cleared": "on", "note": "rewritten", "kind": "chargeback"})
    signal.refresh_from_db()
    assert signal.cleared_at is not None
    assert (signal.kind, signal.note) == ("other", "Same device as a banned account")
    assert client.post(url, {"is_cleared": "on"}).status_code == 403


@pytest.mark.parametrize("role", ["reviewer", "auditor"])
def test_others_neither_raise_nor_clear_signals(role: str, cast: Cast, signed_in: SignIn) -> None:
    signal = Signal.objects.create(
        buyer=cast.buyer, kind="other", note="…", raised_at=timezone.now() - hours(1)
    )
    client = signed_in(staff(role))
    assert (
        client.post("/admin/risk/signal/add/", {"buyer": cast.buyer.pk, "kind": "other"}).status_code == 403
    )
    assert client.post(f"/admin/risk/signal/{signal.pk}/change/", {"is_cleared": "on"}).status_code == 403
    signal.refresh_from_db()
    assert signal.cleared_at is None
    assert Signal.objects.count() == 1
