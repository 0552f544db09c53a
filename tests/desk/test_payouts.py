"""The desk about stuck money: the page of a transfer, who may move what on it, the payouts' list, a buyer's identity."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from marketplace.identity.models import Buyer, User
from marketplace.identity.roles import PERMISSIONS, Role
from marketplace.kernel.models import OutboxJob
from marketplace.payments.models import Payout, SandboxRefund, Transfer
from refunds.admin.remedies import REMEDIES, remedy_for
from refunds.admin.transfer_moves import MOVES
from refunds.models import Message, RefundRequest
from refunds.operations import pay_by_hand
from refunds.operations.pay import pay
from tests.cases import bring, file, make_request, work
from tests.factories import hours, make_order
from tests.people import Cast
from tests.refunds.disputes import close, dispute

from .conftest import staff, url_of

SignIn = Callable[[User], Client]
ENGLISH: Any = {"headers": {"accept-language": "en"}}
ACCOUNT = "6225880123456789"
PAYEE = {"name": "张三", "bank": "招商银行", "account": ACCOUNT, "note": "The card is closed."}
ACTORS = (Role.FINANCE, Role.SUPERVISOR)
PAYOUTS = "/admin/payments/payout/"


def page_of(transfer: Transfer) -> str:
    return f"/admin/payments/transfer/{transfer.pk}/change/"


def page_of_buyer(buyer: Buyer) -> str:
    return f"/admin/identity/buyer/{buyer.pk}/change/"


def make_failed(cast: Cast) -> Transfer:
    request = make_request(cast, state="approved", total=9_971)
    pay(request.number, timezone.now())
    return Transfer.objects.get(reference=request.number)


def make_manual(cast: Cast) -> Transfer:
    request = make_request(cast, state="refunding")
    Transfer.objects.filter(reference=request.number).update(
        state="manual", attempts=1, sent_at=timezone.now(), error_code="ACQ.SELLER_BALANCE_NOT_ENOUGH",
        error_detail="Not enough.", resend_until=timezone.now(),
    )  # fmt: skip
    return Transfer.objects.get(reference=request.number)


def make_proposed(cast: Cast) -> Payout:
    payee = pay_by_hand.Payee("张三", "招商银行", ACCOUNT)
    return pay_by_hand.propose(
        transfer_number=make_failed(cast).number, payee=payee, note="Closed.", user=cast.finance, now=timezone.now()
    )  # fmt: skip


def make_held(cast: Cast) -> RefundRequest:
    order = make_order(
        shop=cast.shop, buyer=cast.buyer, seller=cast.seller, events=[("delivered", hours(-3))],
        currency="USD", fx_rate=Decimal("7.1"), total=1_900,
    )  # fmt: skip
    request = bring(file(order), "approved", cast)
    pay(request.number, timezone.now())
    return request


def shown(client: Client, transfer: Transfer) -> set[str]:
    """The moves the page offers."""
    page = client.get(page_of(transfer)).content.decode()
    return {name for name in MOVES if f'name="move" value="{name}"' in page}


def everything() -> tuple[Any, ...]:
    """All that a refused post may not change."""
    return (
        list(Transfer.objects.order_by("id").values()),
        list(Payout.objects.order_by("id").values("pk", "decided_by", "paid_at", "rejected_at")),
        list(RefundRequest.objects.order_by("id").values("state", "sequence")),
        Message.objects.count(),
        OutboxJob.objects.count(),
    )


def test_closed_card_is_paid_by_hand_on_the_desk_by_two_persons(cast: Cast, signed_in: SignIn) -> None:
    transfer, first, second = make_failed(cast), signed_in(cast.finance), signed_in(cast.supervisor)
    assert shown(first, transfer) == {"ask", "propose"}
    done = first.post(page_of(transfer), {"move": "propose", **PAYEE})
    assert (done.status_code, done.headers["Location"]) == (302, page_of(transfer))
    assert shown(first, transfer) == {"see_payee", "ask"}
    assert "Another person must confirm" in first.get(page_of(transfer), **ENGLISH).content.decode()
    assert shown(second, transfer) == {"see_payee", "confirm", "reject", "ask"}
    payout = Payout.objects.get()
    offered = second.get(page_of(transfer)).content.decode()
    assert offered.count(f'name="payout" value="{payout.pk}"') == 3  # decided is what was seen
    confirmation = {"move": "confirm", "payout": payout.pk, "bank_reference": "BANK-1"}
    before = everything()
    assert first.post(page_of(transfer), confirmation).status_code == 403
    assert everything() == before
    assert second.post(page_of(transfer), confirmation).status_code == 302
    transfer.refresh_from_db()
    assert transfer.state == Transfer.State.SUCCEEDED
    request = RefundRequest.objects.get()
    assert request.state == "refunded"
    assert shown(second, transfer) == {"see_payee"}
    for url in (page_of(transfer), url_of(request)):
        assert "Paid by hand" in second.get(url, **ENGLISH).content.decode()


def test_account_is_shown_to_who_asks_for_it_alone_and_each_view_is_kept(
    cast: Cast, signed_in: SignIn
) -> None:
    payout = make_proposed(cast)
    url, client = page_of(payout.transfer), signed_in(cast.supervisor)
    for role in Role.values:
        if "payments.view_transfer" in PERMISSIONS[role]:
            reader = signed_in(staff(role))
            pages = [url, PAYOUTS, url_of(RefundRequest.objects.get())]
            assert not [page for page in pages if ACCOUNT in reader.get(page).content.decode()], role
    before = Message.objects.count()
    answer = client.post(url, {"move": "see_payee", "payout": payout.pk})
    assert (answer.status_code, ACCOUNT in answer.content.decode()) == (200, True)
    assert "no-store" in answer.headers["Cache-Control"]
    assert Message.objects.count() == before + 1
    last = Message.objects.order_by("-id")[0]
    assert (last.user, last.is_internal) == (cast.supervisor, True)
    assert ACCOUNT not in client.get(url).content.decode()


def test_manual_transfer_is_explained_and_sent_again(cast: Cast, signed_in: SignIn) -> None:
    transfer, client = make_manual(cast), signed_in(cast.finance)
    page = client.get(page_of(transfer), **ENGLISH).content.decode()
    assert "Our balance at the channel is too small" in page
    assert "SELLER_BALANCE_NOT_ENOUGH" in page
    assert shown(client, transfer) == {"ask", "send_again", "give_up"}
    assert client.post(page_of(transfer), {"move": "send_again", "note": "Topped up."}).status_code == 302
    work()
    assert RefundRequest.objects.get().state == "refunded"
    assert "Topped up." in client.get(page_of(transfer)).content.decode()


def test_asking_records_what_the_channel_says(cast: Cast, signed_in: SignIn) -> None:
    transfer, client = make_manual(cast), signed_in(cast.finance)
    answer = client.post(page_of(transfer), {"move": "ask"}, follow=True)
    assert "unknown" in answer.content.decode()
    money = transfer.money
    SandboxRefund.objects.create(
        number=transfer.number,
        channel_no="x",
        amount=money.amount,
        currency="CNY",
        succeeds_at=timezone.now(),
    )
    client.post(page_of(transfer), {"move": "ask"})
    assert RefundRequest.objects.get().state == "refunded"
    assert shown(client, transfer) == set()


def test_given_up_channel_opens_the_way_by_hand(cast: Cast, signed_in: SignIn) -> None:
    transfer, client = make_manual(cast), signed_in(cast.finance)
    client.post(page_of(transfer), {"move": "give_up", "note": "Their portal shows nothing."})
    assert shown(client, transfer) == {"ask", "propose"}


@pytest.mark.parametrize(
    ("move", "fields", "status"),
    [
        ("propose", {**PAYEE, "account": "12"}, 422),
        ("propose", {**PAYEE, "name": ""}, 422),
        ("propose", {**PAYEE, "note": ""}, 422),
        ("propose", {**PAYEE, "note": f"Pay {ACCOUNT}"}, 422),
        ("propose", {**PAYEE, "name": "x" * 201}, 422),
        ("confirm", {"payout": "1", "bank_reference": "B"}, 403),
        ("send_again", {"note": "x"}, 403),
        ("settle", {}, 403),
        ("", {}, 403),
    ],
)
def test_post_that_is_refused_changes_nothing_and_keeps_what_was_typed(
    cast: Cast, signed_in: SignIn, move: str, fields: dict[str, str], status: int
) -> None:
    transfer = make_failed(cast)
    before = everything()
    answer = signed_in(cast.finance).post(page_of(transfer), {"move": move, **fields})
    assert answer.status_code == status
    assert everything() == before
    if move == "propose":
        assert "招商银行" in answer.content.decode()


def test_payout_of_another_transfer_or_one_rejected_meanwhile_is_not_confirmed(
    cast: Cast, signed_in: SignIn
) -> None:
    mine, other = make_proposed(cast), make_proposed(cast)
    client = signed_in(cast.supervisor)
    pay_by_hand.reject(payout_id=mine.pk, user=cast.supervisor, now=timezone.now())
    payee = pay_by_hand.Payee("李四", "工商银行", "62220000")
    pay_by_hand.propose(
        transfer_number=mine.transfer.number, payee=payee, note="Corrected.", user=cast.finance, now=timezone.now()
    )  # fmt: skip
    before = everything()
    for payout_id in (mine.pk, other.pk, 0, "x"):
        client.post(
            page_of(mine.transfer), {"move": "confirm", "payout": payout_id, "bank_reference": "BANK-1"}
        )
        assert everything() == before
    for payout_id in (other.pk, 0, "x"):
        client.post(page_of(mine.transfer), {"move": "see_payee", "payout": payout_id})
        assert everything() == before


@pytest.mark.parametrize("role", Role.values)
def test_roles_that_do_not_pay_see_at_most_and_move_nothing(role: str, cast: Cast, signed_in: SignIn) -> None:
    failed, manual, payout = make_failed(cast), make_manual(cast), make_proposed(cast)
    client = signed_in(staff(role))
    may_read = "payments.view_transfer" in PERMISSIONS[role]
    for url in (page_of(failed), page_of(manual), page_of(payout.transfer), PAYOUTS):
        assert client.get(url).status_code == (200 if may_read else 403), url
    to_page = client.get(f"{PAYOUTS}{payout.pk}/change/")
    assert to_page.status_code == (302 if may_read else 403)
    if role in ACTORS:
        assert shown(client, payout.transfer) == {"see_payee", "confirm", "reject", "ask"}
        return
    if may_read:
        assert [shown(client, each) for each in (failed, manual, payout.transfer)] == [set(), set(), set()]
    before = everything()
    decision = {"payout": payout.pk, "bank_reference": "B", "note": "x"}
    for transfer, move, fields in (
        (failed, "ask", {}),
        (failed, "propose", PAYEE),
        (manual, "send_again", {"note": "x"}),
        (manual, "give_up", {"note": "x"}),
        (payout.transfer, "see_payee", decision),
        (payout.transfer, "confirm", decision),
        (payout.transfer, "reject", decision),
    ):
        answer = client.post(page_of(transfer), {"move": move, **fields})
        assert answer.status_code == 403, move
        assert ACCOUNT not in answer.content.decode()
    assert everything() == before


def test_case_leads_to_its_transfer_and_stuck_is_said_at_the_top(cast: Cast, signed_in: SignIn) -> None:
    transfer, client = make_failed(cast), signed_in(cast.finance)
    page = client.get(url_of(RefundRequest.objects.get()), **ENGLISH).content.decode()
    assert f'href="{page_of(transfer)}"' in page
    assert "Payment needs a person" in page
    without = signed_in(cast.support).get(url_of(RefundRequest.objects.get())).content.decode()
    assert page_of(transfer) not in without


def test_payouts_that_wait_are_counted_in_the_side_bar_and_listed(cast: Cast, signed_in: SignIn) -> None:
    client = signed_in(cast.finance)
    link = f"{PAYOUTS}?payout_state=waiting"
    assert link not in client.get("/admin/").content.decode()
    rejected, waiting = make_proposed(cast), make_proposed(cast)
    pay_by_hand.reject(payout_id=rejected.pk, user=cast.supervisor, now=timezone.now())
    assert link in client.get("/admin/").content.decode()
    listed = client.get(link)
    assert [row.pk for row in listed.context["cl"].result_list] == [waiting.pk]
    assert f'href="{page_of(waiting.transfer)}' in listed.content.decode()
    assert "Waits for the second person" in client.get(link, **ENGLISH).content.decode()
    found = client.get(PAYOUTS, {"q": rejected.transfer.number}).context["cl"].result_list
    assert [row.pk for row in found] == [rejected.pk]


def test_what_is_not_there_leads_back_to_the_list(cast: Cast, signed_in: SignIn) -> None:
    client = signed_in(cast.finance)
    for table, key in (("transfer", "0"), ("transfer", "abc"), ("payout", "0"), ("payout", "abc")):
        answer = client.get(f"/admin/payments/{table}/{key}/change/")
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/admin/payments/{table}/")


@pytest.mark.parametrize("state", Transfer.STUCK_STATES)
@pytest.mark.parametrize("code", [*REMEDIES, "ACQ.TRADE_HAS_FINISHED", "new_code", ""])
def test_every_stuck_transfer_says_what_it_means_and_what_to_do(state: str, code: str) -> None:
    remedy = remedy_for(Transfer(state=state, error_code=code))
    assert remedy is not None
    assert remedy.meaning
    assert remedy.what_to_do
    if code.startswith("ACQ."):
        assert remedy == REMEDIES["TRADE_HAS_FINISHED"]


def test_transfer_paid_by_a_chargeback_says_how_much_and_offers_nothing(
    cast: Cast, signed_in: SignIn
) -> None:
    transfer = make_failed(cast)
    close(dispute(amount=3_000), "lost")
    client = signed_in(cast.finance)
    page = client.get(page_of(transfer), **ENGLISH).content.decode()
    assert "Paid by a chargeback" in page
    assert "30.00" in page
    assert 'name="move"' not in page
    rest = Transfer.objects.exclude(pk=transfer.pk).get()
    assert 'value="propose"' in client.get(page_of(rest), **ENGLISH).content.decode()


def test_case_says_that_it_waits_for_the_buyers_identity(cast: Cast, signed_in: SignIn) -> None:
    request, client = make_held(cast), signed_in(cast.supervisor)
    page = client.get(url_of(request), **ENGLISH).content.decode()
    assert "Waits for the buyer" in page
    assert f'href="{page_of_buyer(cast.buyer)}"' in page
    held = client.get(page_of(Transfer.objects.get()), **ENGLISH).content.decode()
    assert "before the buyer&#x27;s identity is verified" in held
    done = client.post(page_of_buyer(cast.buyer), {"move": "verify", "note": "Passport seen."})
    assert done.status_code == 302
    work()
    assert "Waits for the buyer" not in client.get(url_of(request), **ENGLISH).content.decode()
    buyer = client.get(page_of_buyer(cast.buyer), **ENGLISH).content.decode()
    assert f"{cast.supervisor}: Passport seen." in buyer
    assert 'value="verify"' not in buyer
    assert RefundRequest.objects.get().state == "refunded"


@pytest.mark.parametrize("role", Role.values)
def test_identity_is_verified_by_risk_and_supervisors_alone(role: str, cast: Cast, signed_in: SignIn) -> None:
    make_held(cast)
    before = everything()
    client = signed_in(staff(role))
    empty = client.post(page_of_buyer(cast.buyer), {"move": "verify", "note": " "})
    assert everything() == before
    may = role in (Role.RISK, Role.SUPERVISOR)
    assert empty.status_code == (422 if may else 403)
    answer = client.post(page_of_buyer(cast.buyer), {"move": "verify", "note": "Seen."})
    assert answer.status_code == (302 if may else 403)
    cast.buyer.refresh_from_db()
    assert (cast.buyer.identity_verified_at is not None) == may
    assert (everything() == before) == (not may)


def test_pages_take_the_same_queries_for_one_payout_or_five(cast: Cast, signed_in: SignIn) -> None:
    client, payout = signed_in(cast.finance), make_proposed(cast)
    counted = []
    for _more in range(2):
        for url in (PAYOUTS, page_of(payout.transfer)):
            client.get(url)
            with CaptureQueriesContext(connection) as queries:
                client.get(url)
            counted.append(len(queries))
        for _ in range(4):
            make_proposed(cast)
            pay_by_hand.see_payee(payout_id=payout.pk, user=cast.supervisor, now=timezone.now())
    assert counted[:2] == counted[2:]
