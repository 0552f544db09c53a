"""Asking the recharge partner (F6): over a real signed call, through its failures, and by letter."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from marketplace.kernel.models import OutboxJob
from refunds.models import ProviderCheck, RefundRequest
from refunds.operations import provider_check
from refunds.providers import partner, partner_name
from refunds.providers.base import Asked, NoProvider, ProviderRefuses, ProviderUnreachable
from tests.cases import make_request
from tests.channels.provider import LocalProvider
from tests.channels.server import Fault
from tests.judged import letter
from tests.people import Cast

NO_KEYS = {"name": "", "url": "", "key_id": "", "secret": "", "timeout": 1.0}


@pytest.fixture
def provider() -> Iterator[LocalProvider]:
    server = LocalProvider()
    with server.running(), override_settings(PROVIDER=server.settings()):
        yield server


@pytest.fixture
def case(cast: Cast) -> RefundRequest:
    return make_request(cast, state="manual_review", target={"account": "player-7", "server": "一区"})


def code_of(case: RefundRequest) -> str:
    """What the factory seals into the unit."""
    return f"CARD-{case.order.no}-1"


def ask(case: RefundRequest, cast: Cast, now: datetime | None = None) -> ProviderCheck:
    return provider_check.ask(number=case.number, user=cast.reviewer, unit="1", now=now or timezone.now())


def read(check: ProviderCheck) -> ProviderCheck:
    return ProviderCheck.objects.get(pk=check.pk)


def call(check: ProviderCheck, now: datetime | None = None) -> ProviderCheck:
    provider_check.call(check.pk, now or timezone.now())
    return read(check)


# --- Over the wire -------------------------------------------------------------------------------------------


def test_provider_says_when_it_was_credited(provider: LocalProvider, case: RefundRequest, cast: Cast) -> None:
    provider.credits[code_of(case)] = {"credited_at": "2026-11-18T10:00:00+08:00", "reference": "T-1"}
    check = ask(case, cast)
    assert [(job.task, job.args) for job in OutboxJob.objects.filter(task="refunds.ask_provider")] == [
        ("refunds.ask_provider", [check.pk])
    ]
    check = call(check)
    assert (check.answer, check.reference, check.provider) == ("credited", "T-1", "Recharge Co.")
    assert check.credited_at == datetime.fromisoformat("2026-11-18T02:00:00+00:00")
    assert (check.written_by, check.next_try_at, check.tries, len(check.answer_hash)) == (None, None, 1, 64)
    assert provider.asked == [
        {
            "number": check.number,
            "goods_type": "card_code",
            "sku": case.order.snapshot["sku"],
            "target": {"account": "player-7", "server": "一区"},
            "code": code_of(case),
        }
    ]


def test_not_credited_is_an_answer_and_moves_no_case(
    provider: LocalProvider, case: RefundRequest, cast: Cast
) -> None:
    check = call(ask(case, cast))
    assert (check.answer, check.credited_at) == ("not_credited", None)
    case.refresh_from_db()
    assert case.state == "manual_review"


def test_an_answered_question_is_not_asked_again(
    provider: LocalProvider, case: RefundRequest, cast: Cast
) -> None:
    check = call(ask(case, cast))
    call(check, timezone.now() + timedelta(days=1))
    assert provider_check.sweep(timezone.now() + timedelta(days=1)) == 0
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.ERROR, "http_503"),
        (Fault.DROP, "connection"),
        (Fault.DROP_AFTER, "connection"),
        (Fault.SLOW, "timeout"),
        (Fault.GARBLED, "signature"),
    ],
)
def test_failure_is_tried_again_until_answered(
    fault: Fault, error: str, provider: LocalProvider, case: RefundRequest, cast: Cast
) -> None:
    provider.faults.append(fault)
    provider.delay = 0.4
    now = timezone.now()
    with override_settings(PROVIDER={**provider.settings(), "timeout": 0.2}):
        check = call(ask(case, cast, now), now)
    assert (check.answer, check.error, check.tries) == ("", error, 1)
    assert check.next_try_at == now + provider_check.WAITS[0]
    assert call(check, now).tries == 1  # too early: nothing is asked
    OutboxJob.objects.all().delete()
    assert provider_check.sweep(now) == 0
    later = now + provider_check.WAITS[0]
    assert provider_check.sweep(later) == 1
    assert OutboxJob.objects.get().args == [check.pk]
    check = call(check, later)
    assert (check.answer, check.error, check.tries) == ("not_credited", "", 2)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"signs_with": "another"}, "signature"),
        ({"nonce": "of-another-question"}, "signature"),
        ({"stamp": -301}, "stale"),
        ({"stamp": 302}, "stale"),
        ({"raw": b"not json"}, "unreadable"),
        ({"raw": b"[]"}, "unreadable"),
        ({"raw": b"x" * 70_000}, "unreadable"),
        ({"reply": {"status": "maybe"}}, "unreadable"),
        ({"reply": {"number": "PC0"}}, "unreadable"),
        ({"reply": {"credited_at": "2026-11-18T10:00:00+08:00"}}, "unreadable"),  # and not credited
        ({"reply": {"status": "credited", "credited_at": "2026-11-18T10:00:00"}}, "unreadable"),
        ({"reply": {"status": "credited", "credited_at": 7}}, "unreadable"),
        ({"reply": {"reference": "x" * 129}}, "unreadable"),
        ({"reply": {"reference": "nul\u0000"}}, "unreadable"),
    ],
)
def test_answer_that_cannot_be_believed_is_none(
    changes: dict[str, Any], error: str, provider: LocalProvider, case: RefundRequest, cast: Cast
) -> None:
    for name, value in changes.items():
        setattr(provider, name, value)
    check = call(ask(case, cast))
    assert (check.answer, check.error) == ("", error)
    assert check.next_try_at is not None


def test_answer_that_quotes_the_code_is_not_kept(
    provider: LocalProvider, case: RefundRequest, cast: Cast
) -> None:
    provider.reply = {"reference": f"card {code_of(case)}"}
    check = call(ask(case, cast))
    assert (check.error, check.reference) == ("unreadable", "")


@pytest.mark.parametrize("status", [302, 400, 401, 404])
def test_refusal_is_left_to_a_person_at_once(
    status: int, provider: LocalProvider, case: RefundRequest, cast: Cast
) -> None:
    provider.status = status
    check = call(ask(case, cast))
    assert (check.answer, check.error, check.next_try_at) == ("", f"http_{status}", None)


def test_code_is_not_carried_on_to_another_address(
    provider: LocalProvider, case: RefundRequest, cast: Cast
) -> None:
    other = LocalProvider()
    with other.running():
        provider.status, provider.leads_to = 307, f"{other.url}/v1/credits/query"
        check = call(ask(case, cast))
    assert (check.error, check.next_try_at, other.calls) == ("http_307", None, [])


def test_given_up_after_the_last_try_and_a_letter_answers_it(
    provider: LocalProvider, case: RefundRequest, cast: Cast
) -> None:
    now = timezone.now()
    check = ask(case, cast, now)
    tries = len(provider_check.WAITS) + 1
    provider.faults.extend([Fault.ERROR] * tries)
    for _ in range(tries):
        check = call(check, now)
        now = check.next_try_at or now
    assert (check.tries, check.next_try_at, len(provider.calls)) == (tries, None, tries)
    assert provider_check.sweep(now + timedelta(days=9)) == 0
    answered = letter(case, cast.support)
    assert (answered.pk, answered.answer, answered.written_by) == (check.pk, "not_credited", cast.support)


def test_answer_of_a_letter_that_came_during_the_call_stands(
    provider: LocalProvider, case: RefundRequest, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = ask(case, cast)
    monkeypatch.setattr(provider_check, "partner", lambda: Meanwhile(case, cast))
    check = call(check)
    assert (check.answer, check.written_by, check.words) == ("unknown", cast.support, "No idea.")


class Meanwhile:
    """While it is asked, somebody writes the answer down."""

    name = "Recharge Co."

    def __init__(self, case: RefundRequest, cast: Cast) -> None:
        self.case, self.cast = case, cast

    def ask(self, asked: Asked) -> Any:
        assert not connection.savepoint_ids  # no transaction is open but the test's own
        letter(self.case, self.cast.support, answer="unknown", words="No idea.")
        return partner().ask(asked)


def test_a_process_that_died_in_the_call_is_followed_by_the_sweep(
    provider: LocalProvider, case: RefundRequest, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    check = ask(case, cast, now)

    def killed() -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(provider_check, "partner", killed)
        provider_check.call(check.pk, now)
    later = now + provider_check.WAITS[0]
    assert provider_check.sweep(later) == 1
    assert call(check, later).answer == "not_credited"


def test_code_stands_in_no_log_and_no_row(
    provider: LocalProvider, case: RefundRequest, cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    check = ask(case, cast)
    provider.faults.extend([Fault.DROP, Fault.ERROR])
    now = timezone.now()
    for _ in range(3):
        check = call(check, now)
        now = check.next_try_at or now
    assert check.answer
    code = code_of(case)
    assert provider.asked[-1]["code"] == code
    assert caplog.text  # the library did log
    assert code not in caplog.text
    assert code not in str(OutboxJob.objects.values_list("args"))
    assert code not in str(ProviderCheck.objects.values())
    assert code not in repr(Asked("PC1", "card_code", "sku", {}, code))


@pytest.mark.parametrize(
    "url", ["http://partner.example", "http://10.0.0.1:8000", "ftp://127.0.0.1", "partner.example", ""]
)
def test_no_code_goes_over_an_open_line(url: str, case: RefundRequest, cast: Cast) -> None:
    keys = {**NO_KEYS, "url": url, "key_id": "k", "secret": "s"}
    with override_settings(PROVIDER=keys):
        with pytest.raises(NoProvider):
            partner()
        assert partner_name() == ""
        with pytest.raises(provider_check.NoProviderToAsk):
            ask(case, cast)
    assert not ProviderCheck.objects.exists()


def test_wrong_keys_are_refused_by_the_partner(provider: LocalProvider) -> None:
    with (
        override_settings(PROVIDER={**provider.settings(), "secret": "wrong"}),
        pytest.raises(ProviderRefuses, match="http_401"),
    ):
        partner().ask(Asked("PC1", "card_code", "sku", {}, "code"))
    assert provider.asked == []


def test_a_byte_now_and_then_ends_with_the_time_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_drip, args=(listener,), daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        began = time.monotonic()
        with (
            override_settings(PROVIDER={**NO_KEYS, "url": url, "key_id": "k", "secret": "s", "timeout": 0.3}),
            pytest.raises(ProviderUnreachable, match="timeout"),
        ):
            partner().ask(Asked("PC1", "card_code", "sku", {}))
    assert time.monotonic() - began < 2


def _drip(listener: socket.socket) -> None:
    connected, _address = listener.accept()
    with connected:
        connected.recv(65536)
        connected.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(100):
                connected.sendall(b"1\r\nx\r\n")
                time.sleep(0.05)
        except OSError:
            pass  # the client has had enough
