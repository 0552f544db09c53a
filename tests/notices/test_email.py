"""Email, through a real mail server on this machine: to whom, in which language, and what when it says no."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone, translation
from pytest_django import Settings

from marketplace.identity.models import Buyer, User
from marketplace.kernel.models import OutboxJob
from marketplace.notices.models import Delivery, Notice, Preference
from marketplace.notices.operations import deliver as delivering
from marketplace.notices.operations.deliver import deliver, sweep_deliveries
from marketplace.notices.operations.read import NotOptional, want
from marketplace.notices.operations.tell import News, tell
from marketplace.notices.queries import groups_told
from marketplace.notices.senders.base import SCHEDULES
from marketplace.notices.topics import GROUPS, TOPICS, RecipientKind, Way
from sellers.models import Membership
from tests.cases import work
from tests.factories import StaffFactory
from tests.people import Cast

from .receivers import Mailbox, only_delivery, told

SELLER, BUYER, USER = RecipientKind.SELLER, RecipientKind.BUYER, RecipientKind.USER


def text_of(mail: Any, kind: str = "plain") -> str:
    part = mail.get_body(preferencelist=(kind,))
    return str(part.get_content())


def test_buyer_gets_a_mail_in_chinese_with_facts_and_next_step(cast: Cast, mailbox: Mailbox) -> None:
    at = timezone.now()
    notice = told(
        cast, BUYER, at, "rejected", clause="B6", rule="window", closes_at="2026-11-01T08:00:00+08:00"
    )
    work(at)
    [mail] = mailbox.mails
    assert mailbox.recipients == [cast.buyer.email]
    assert mail["From"] == "Recourse <refunds@example.com>"
    assert notice.subject in mail["Subject"]
    for kind in ("plain", "html"):
        for fact in (notice.subject, "¥49.00", "OD1", "B6", "2026-11-01 08:00"):
            assert fact in text_of(mail, kind), kind
    assert 'lang="zh-Hans"' in text_of(mail, "html")
    delivery = only_delivery("email")
    assert (delivery.state, delivery.attempts, delivery.sent_at) == ("sent", 1, at)


def test_mail_is_in_the_notices_language_whatever_the_worker_speaks(cast: Cast, mailbox: Mailbox) -> None:
    at = timezone.now()
    told(cast, BUYER, at, "rejected")
    Notice.objects.update(language="en")
    with translation.override("zh-hans"):
        work(at)
    [mail] = mailbox.mails
    assert "was rejected" in text_of(mail)
    assert "CNY 49.00" in text_of(mail)
    assert 'lang="en"' in text_of(mail, "html")
    assert not re.search("[一-鿿]", text_of(mail) + str(mail["Subject"]))


def test_each_person_of_the_seller_gets_one(cast: Cast, mailbox: Mailbox) -> None:
    at = timezone.now()
    colleague = User.objects.create(username="colleague", email="second@example.com")
    gone = User.objects.create(username="gone", email="gone@example.com", is_active=False)
    silent = User.objects.create(username="silent", email="")
    for user in (colleague, gone, silent):
        Membership.objects.create(user=user, seller=cast.seller)
    User.objects.filter(pk=cast.seller_user.pk).update(email="first@example.com")
    User.objects.filter(pk=cast.other_seller_user.pk).update(email="other@example.com")
    told(cast, SELLER, at, "seller_to_answer")
    assert Delivery.objects.count() == 2
    work(at)
    assert sorted(mailbox.recipients) == ["first@example.com", "second@example.com"]


def test_staff_get_theirs(cast: Cast, mailbox: Mailbox) -> None:
    User.objects.filter(pk=cast.supervisor.pk).update(email="boss@example.com")
    at = timezone.now()
    told(cast, USER, at, "overdue")
    work(at)
    assert mailbox.recipients == ["boss@example.com"]


def test_address_counts_as_it_is_when_the_mail_is_sent(cast: Cast, mailbox: Mailbox) -> None:
    at = timezone.now()
    told(cast, BUYER, at)
    Buyer.objects.filter(pk=cast.buyer.pk).update(email="new@example.com")
    work(at)
    assert mailbox.recipients == ["new@example.com"]


def test_person_who_left_before_it_was_sent_gets_none(cast: Cast, mailbox: Mailbox) -> None:
    User.objects.filter(pk=cast.seller_user.pk).update(email="first@example.com")
    at = timezone.now()
    told(cast, SELLER, at)
    User.objects.filter(pk=cast.seller_user.pk).update(is_active=False)
    work(at)
    assert mailbox.mails == []
    assert only_delivery("email").state == "failed"


@pytest.mark.parametrize("where", ["recipient", "body"])
def test_refusal_for_now_is_tried_again_and_one_for_good_is_not(
    where: str, cast: Cast, mailbox: Mailbox
) -> None:
    refusals = mailbox.refuse_recipient if where == "recipient" else mailbox.refuse_body
    at = timezone.now()
    told(cast, BUYER, at)
    refusals.append("451 Try again later")
    delivery = only_delivery("email")
    deliver(delivery.pk, at)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.status) == ("queued", 451)
    refusals.append("550 No such user")
    deliver(delivery.pk, at + timedelta(minutes=2))
    delivery.refresh_from_db()
    assert (delivery.state, delivery.status) == ("failed", 550)
    assert "No such user" in delivery.error
    assert mailbox.mails == []


def test_server_that_is_away_is_tried_by_the_table_and_then_given_up(
    cast: Cast, mailbox: Mailbox, settings: Settings
) -> None:
    settings.EMAIL_PORT = 1
    start = at = timezone.now()
    told(cast, BUYER, at)
    delivery = only_delivery("email")
    times: list[datetime] = []
    while delivery.state == "queued":
        at = max(delivery.next_try_at, start)
        assert deliver(delivery.pk, at) is not None
        times.append(at)
        delivery.refresh_from_db()
    assert delivery.state == "dead"
    assert times[-1] - start == sum(SCHEDULES["email"].waits, timedelta())


def test_tries_of_one_mail_share_their_message_id_and_no_two_mails_do(
    cast: Cast, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = timezone.now()
    told(cast, BUYER, at)
    with monkeypatch.context() as crashing:
        crashing.setattr(delivering, "_record", lambda *_: None)  # the worker dies before it writes
        deliver(only_delivery("email").pk, at)
    later = at + SCHEDULES["email"].lease
    assert sweep_deliveries(later) == 1
    told(cast, BUYER, later)
    work(later)
    ids = [mail["Message-ID"] for mail in mailbox.mails]
    assert len(ids) == 3
    assert len(set(ids)) == 2


@pytest.mark.parametrize(
    "address", ["a@b.example\nBcc: x@evil.example", "not an address", "@", "ü@example.com"]
)
def test_address_that_is_none_harms_nobody(address: str, cast: Cast, mailbox: Mailbox) -> None:
    Buyer.objects.filter(pk=cast.buyer.pk).update(email=address)
    at = timezone.now()
    told(cast, BUYER, at)
    work(at)
    assert "x@evil.example" not in mailbox.recipients
    assert only_delivery("email").state in ("failed", "queued", "sent")


def test_without_a_mail_server_nothing_is_queued(cast: Cast, settings: Settings) -> None:
    assert settings.EMAIL_HOST == ""
    told(cast, BUYER, timezone.now())
    assert not Delivery.objects.exists()


# --- What is not wanted -----------------------------------------------------------------------------------


def off(kind: RecipientKind, who: int, group: str, way: Way = Way.EMAIL) -> None:
    want(recipient_kind=kind, recipient_id=who, way=way, group=group, wanted=False, now=timezone.now())


def test_group_turned_off_comes_by_mail_no_more_and_stays_on_the_site(cast: Cast, mailbox: Mailbox) -> None:
    off(BUYER, cast.buyer.pk, "progress")
    off(BUYER, cast.buyer.pk, "progress")  # twice is once
    at = timezone.now()
    told(cast, BUYER, at, "request_filed")
    told(cast, BUYER, at, "message_received")
    told(cast, BUYER, at, "approved")
    work(at)
    assert len(mailbox.mails) == 2
    assert Notice.objects.count() == 3
    want(
        recipient_kind=BUYER, recipient_id=cast.buyer.pk, way=Way.EMAIL, group="progress", wanted=True, now=at
    )
    told(cast, BUYER, at, "request_filed")
    work(at)
    assert len(mailbox.mails) == 3


def test_one_person_turns_it_off_for_themselves_alone(cast: Cast, mailbox: Mailbox) -> None:
    colleague = StaffFactory.create(is_staff=False, role="", email="second@example.com")
    Membership.objects.create(user=colleague, seller=cast.seller)
    User.objects.filter(pk=cast.seller_user.pk).update(email="first@example.com")
    off(USER, cast.seller_user.pk, "progress")
    at = timezone.now()
    told(cast, SELLER, at, "withdrawn")
    work(at)
    assert mailbox.recipients == ["second@example.com"]


@pytest.mark.parametrize("group", [name for name, group in GROUPS.items() if not group.is_optional])
def test_what_the_law_wants_told_cannot_be_turned_off(group: str, cast: Cast, mailbox: Mailbox) -> None:
    User.objects.filter(pk=cast.seller_user.pk).update(email="seller@example.com")
    is_buyers = group in groups_told(BUYER)
    reader, person = (BUYER, cast.buyer.pk) if is_buyers else (USER, cast.seller_user.pk)
    with pytest.raises(NotOptional):
        off(reader, person, group)
    assert not Preference.objects.exists()
    at = timezone.now()
    topic = next(
        code for code, topic in TOPICS.items() if topic.group == group and code != "seller_to_answer"
    )
    told(cast, BUYER if is_buyers else SELLER, at, topic)
    work(at)
    assert len(mailbox.mails) == 1


def test_telling_twice_mails_once(cast: Cast, mailbox: Mailbox) -> None:
    at = timezone.now()
    notice = told(cast, BUYER, at)
    again = News(BUYER, cast.buyer.pk, notice.topic, notice.source, notice.subject, notice.data)
    assert tell([again, again], at) == 0
    assert OutboxJob.objects.filter(task="refunds.deliver").count() == 1
    work(at)
    assert len(mailbox.mails) == 1
