"""Where a webhook may not be sent: our own networks, under whatever name or spelling."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from marketplace.notices import addresses
from marketplace.notices.addresses import BadAddress, is_public, read, target_of
from marketplace.notices.models import Endpoint
from marketplace.notices.operations import endpoints
from marketplace.notices.operations.deliver import deliver
from marketplace.notices.senders import webhook
from marketplace.notices.senders.base import Outcome, Parcel
from marketplace.notices.topics import RecipientKind
from tests.people import Cast

from .receivers import Receiver, endpoint_at, only_delivery, told

# As hosts of a URL; none may be stored, nor be sent to if it got there.
FORBIDDEN_HOSTS = (
    "127.0.0.1", "127.1", "127.255.255.254", "0.0.0.0", "0", "2130706433", "0x7f000001", "0x7f.0.0.1", "017700000001",
    "0177.0.0.1", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.1", "3232235521",
    "169.254.169.254", "0xa9fea9fe", "100.64.0.1", "100.127.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.7",
    "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "192.88.99.1",
    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:10.0.0.1]", "[::127.0.0.1]", "[fe80::1]", "[fec0::1]",
    "[fc00::1]", "[fd12:3456::1]", "[ff02::1]", "[2001:db8::1]", "[2001:0:7f00:1::]", "[2002:7f00:1::]",
    "[64:ff9b::7f00:1]", "[64:ff9b:1::1]", "[100::1]", "[3fff::1]",
    "localhost", "LOCALHOST", "localhost.", "a.localhost", "printer.local", "metadata.google.internal", "db", "intranet.corp",
    "host.docker.internal", "nas.lan", "x.test", "x.invalid",
)  # fmt: skip


@pytest.mark.parametrize("host", FORBIDDEN_HOSTS)
def test_host_inside_is_refused_when_it_is_written_down(host: str) -> None:
    with pytest.raises(BadAddress):
        read(f"https://{host}/hook")


# What a name may answer, and the connection would go to.
FORBIDDEN_IPS = (
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.20.0.1", "192.168.7.7", "169.254.169.254", "100.100.100.200",
    "192.0.0.8", "192.0.2.55", "198.18.5.5", "198.51.100.1", "203.0.113.1", "224.0.0.251", "240.1.1.1", "255.255.255.255",
    "192.88.99.2", "::1", "::", "::ffff:127.0.0.1", "::ffff:192.168.1.1", "::10.0.0.1", "fe80::1", "fe80::1%eth0", "fec0::5", "fc00::1",
    "fd00:ec2::254", "ff05::2", "2001:db8::5", "2001::7f00:1", "2002:c0a8:101::1", "64:ff9b::a00:1", "100::", "3fff::9",
)  # fmt: skip


@pytest.mark.parametrize("ip", FORBIDDEN_IPS)
def test_public_name_that_answers_an_address_inside_is_refused(ip: str) -> None:
    with pytest.raises(BadAddress):
        target_of("https://hooks.example.com/x", lambda host, port: [ip])
    with pytest.raises(BadAddress):  # one good address beside it does not help
        target_of("https://hooks.example.com/x", lambda host, port: ["93.184.216.34", ip])


@pytest.mark.parametrize(
    "ip", ["93.184.216.34", "8.8.8.8", "2606:4700:4700::1111", "2400:3200::1", "223.5.5.5"]
)
def test_address_outside_is_used(ip: str) -> None:
    assert is_public(ip)
    found = target_of("https://hooks.example.com:8443/x?y=1", lambda host, port: [ip])
    assert found == ("https", "hooks.example.com", ip, 8443, "/x?y=1")


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/", "ftp://hooks.example.com/", "file:///etc/passwd", "gopher://hooks.example.com/", "//x.example",
        "hooks.example.com", "https://", "https:///x", "https://user@hooks.example.com/", "https://u:p@hooks.example.com/",
        "https://127.0.0.1@hooks.example.com/", "https://hooks.example.com/#x", "https://hooks.example.com:99999/",
        "https://hooks.example.com:x/", "https://hooks.example.com/\r\nHost: x", "https://hooks.example.com/ x", "https://例え.example/",
        "https://hooks.example.com/" + "x" * 500, "", "https://[::1", "https://hooks.example.com/\0",
    ],
)  # fmt: skip
def test_url_that_is_no_plain_https_address_is_refused(url: str) -> None:
    with pytest.raises(BadAddress):
        read(url)


def test_ports_may_be_limited(settings: Settings) -> None:
    settings.WEBHOOK_PORTS = ["443"]
    assert read("https://hooks.example.com/").port == 443
    with pytest.raises(BadAddress):
        read("https://hooks.example.com:22/")


def test_spellings_of_an_address_inside_reach_nobody_even_where_they_got_into_the_table(
    cast: Cast, settings: Settings
) -> None:
    """With the system's own resolver, which reads all of them."""
    with Receiver().running() as receiver:
        port = receiver.url.rpartition(":")[2]
        at = timezone.now()
        settings.WEBHOOK_ALLOW_PRIVATE = True
        endpoint_at(cast, receiver.url, at)
        settings.WEBHOOK_ALLOW_PRIVATE = False
        told(cast, RecipientKind.SELLER, at)
        delivery = only_delivery("webhook")
        for host in ("127.0.0.1", "127.1", "2130706433", "0x7f.1", "localhost", "[::ffff:127.0.0.1]"):
            for scheme in ("http", "https"):
                Endpoint.objects.update(url=f"{scheme}://{host}:{port}/")
                type(delivery).objects.update(state="queued", attempts=0, next_try_at=at)
                result = deliver(delivery.pk, at)
                assert result is not None
                assert result.outcome is Outcome.REFUSED, host
        assert receiver.calls == []


def test_connection_goes_to_the_address_that_was_judged_and_the_name_is_asked_once(private: None) -> None:
    """DNS rebinding: the second answer would be another."""
    with Receiver().running() as good, Receiver().running() as evil:
        port = int(good.url.rpartition(":")[2])
        asked: list[str] = []

        def resolver(host: str, _port: int) -> list[str]:
            asked.append(host)
            return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.9"]

        parcel = Parcel(
            1, 1, "webhook", 1, "seller", "approved", {}, "en", timezone.now(), f"http://hooks.example.com:{port}/x",
            ("whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",),
        )  # fmt: skip
        result = webhook.send(parcel, timezone.now(), resolver)
        assert result.outcome is Outcome.SENT
        assert asked == ["hooks.example.com"]
        assert good.got[0].headers["Host"] == f"hooks.example.com:{port}"
        assert evil.got == []


def test_name_that_nobody_knows_is_tried_again() -> None:
    def nobody(host: str, port: int) -> list[str]:
        raise OSError("Name or service not known")

    parcel = Parcel(
        1,
        1,
        "webhook",
        1,
        "seller",
        "approved",
        {},
        "en",
        timezone.now(),
        "https://x.example.com/",
        ("whsec_YQ==",),
    )
    assert webhook.send(parcel, timezone.now(), nobody).outcome is Outcome.RETRY
    assert webhook.send(parcel, timezone.now(), lambda *_: []).outcome is Outcome.RETRY


def test_tls_is_with_the_name_and_not_with_the_address(private: None) -> None:
    """A receiver without a certificate for the name is not spoken to."""
    with Receiver().running() as plain:
        port = plain.url.rpartition(":")[2]
        parcel = Parcel(
            1, 1, "webhook", 1, "seller", "approved", {}, "en", timezone.now(), f"https://x.example.com:{port}/",
            ("whsec_YQ==",),
        )  # fmt: skip
        result = webhook.send(parcel, timezone.now(), lambda *_: ["127.0.0.1"])
        assert result.outcome is Outcome.RETRY
        assert "SSL" in result.error
        assert plain.got == []


def test_forbidden_address_is_refused_for_good_without_a_connection(cast: Cast, settings: Settings) -> None:
    at = timezone.now()
    endpoints.add(url="https://hooks.example.com/", seller_id=cast.seller.pk, now=at)
    told(cast, RecipientKind.SELLER, at)
    delivery = only_delivery("webhook")
    Endpoint.objects.update(url="https://169.254.169.254/latest/meta-data/")
    result = deliver(delivery.pk, at)
    assert result is not None
    assert result.outcome is Outcome.REFUSED
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("failed", 1)
    assert deliver(delivery.pk, at + timedelta(days=1)) is None
    assert addresses.BadAddress.status == 422
