"""Which addresses a webhook may be sent to, so that nobody makes us call our own network (SSRF).

A name is resolved once, all it resolves to is judged, and the connection goes to the address that was judged: a name
that answers something else a moment later (DNS rebinding) gains nothing. Redirects are not followed.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Refusal

MAX_URL = 500
_PRINTABLE = re.compile(r"[!-~]+\Z")
# What is not the public internet by the IANA's registries, written out: what Python calls global differs between its
# versions (192.0.0.8 was, until CVE-2024-4032). Of IPv6 global unicast alone is allowed, less what stands for an IPv4
# address (Teredo, 6to4) or is set aside; NAT64, IPv4-mapped, unique local and link-local addresses lie outside of it.
_NO_IPV4 = tuple(map(ipaddress.IPv4Network, (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/4", "240.0.0.0/4",
)))  # fmt: skip
_GLOBAL_IPV6 = ipaddress.IPv6Network("2000::/3")
_NO_IPV6 = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))

Resolve = Callable[[str, int], Iterable[str]]


class BadAddress(Refusal):
    code = "bad_address"
    status = 422
    title = _("This address cannot be used for webhooks.")


class Target(NamedTuple):
    """Where to connect (`ip`), and what to ask for there."""

    scheme: str
    host: str  # as the certificate and the Host header name it
    ip: str
    port: int
    path: str


class _Url(NamedTuple):
    scheme: str
    host: str
    port: int
    path: str


def resolve(host: str, port: int) -> list[str]:
    """Every address of the name, as the system's resolver knows it. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def target_of(url: str, resolver: Resolve = resolve) -> Target:
    """Resolve and judge. Raises BadAddress, OSError where the name is not known."""
    parts = read(url)
    found = [ip.partition("%")[0] for ip in resolver(parts.host, parts.port)]
    if not found:
        raise OSError(f"no address for {parts.host}")
    # One bad address among good ones is a trap, not a mistake: nothing is sent to such a name.
    if not settings.WEBHOOK_ALLOW_PRIVATE and not all(map(is_public, found)):
        raise BadAddress(_("The name leads to an address that is not on the public internet."))
    return Target(parts.scheme, parts.host, found[0], parts.port, parts.path)


def read(url: str) -> _Url:
    """The parts of a URL that a webhook may have, judged without asking anybody. Raises BadAddress."""
    if not 0 < len(url) <= MAX_URL or not _PRINTABLE.match(url):
        raise BadAddress(_("Write the address in plain ASCII, with at most 500 characters."))
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadAddress() from error
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in (("https", "http") if settings.WEBHOOK_ALLOW_PRIVATE else ("https",)):
        raise BadAddress(_("The address must begin with https://"))
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        raise BadAddress(_("Write the address as https://host/path, without user name, password or #."))
    port = port or (443 if parts.scheme == "https" else 80)
    if settings.WEBHOOK_PORTS and str(port) not in settings.WEBHOOK_PORTS:
        raise BadAddress(_("This port is not allowed. Allowed: %s.") % ", ".join(settings.WEBHOOK_PORTS))
    if not settings.WEBHOOK_ALLOW_PRIVATE and (
        _is_local_name(host) or not all(map(is_public, _literal(host)))
    ):
        raise BadAddress(_("The address is not on the public internet."))
    return _Url(parts.scheme, host, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def is_public(ip: str) -> bool:
    """Whether the address is one machine somewhere on the public internet."""
    address = ipaddress.ip_address(ip)
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not any(address in network for network in _NO_IPV4)
    return (
        address in _GLOBAL_IPV6 and address.is_global and not any(address in network for network in _NO_IPV6)
    )


def _literal(host: str) -> list[str]:
    """The address, where the host is one in any of its spellings (127.1, 0x7f000001, 2130706433); else nothing."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return []
    return [str(entry[4][0]).partition("%")[0] for entry in found]


def _is_local_name(host: str) -> bool:
    """Names that no public name server answers for (RFC 6761, RFC 6762), and names without a dot."""
    last = host.lower().rpartition(".")[2]
    return ("." not in host and ":" not in host and not _literal(host)) or last in (
        "localhost", "local", "internal", "localdomain", "home", "lan", "corp", "test", "invalid",
    )  # fmt: skip
