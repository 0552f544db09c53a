"""Who is on the other side: webhook receivers and a mail server on 127.0.0.1, over TCP, that keep what they were sent."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

import time_machine
from aiosmtpd.controller import Controller
from django.utils import timezone
from standardwebhooks import Webhook

from marketplace.kernel import ids
from marketplace.notices.models import Delivery, Notice
from marketplace.notices.operations import endpoints
from marketplace.notices.operations.tell import News, tell
from marketplace.notices.topics import RecipientKind
from tests.channels.server import LocalChannel, Request, Response
from tests.people import Cast


class Receiver(LocalChannel):
    """Answers with the statuses it was told, oldest first, then 204. A status may be a whole Response."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: deque[int | Response] = deque()
        self.got: list[Request] = []

    def respond(self, request: Request) -> Response:
        self.got.append(request)
        answer = self.answers.popleft() if self.answers else 204
        return Response(answer, {}, b"") if isinstance(answer, int) else answer

    def system_error(self) -> Response:
        return Response(500, {}, b"")

    @property
    def ids(self) -> list[str]:
        return [request.headers["webhook-id"] for request in self.got]


def verified(request: Request, secret: str, at: datetime) -> Any:
    """What a receiver's library makes of it at that time. Raises WebhookVerificationError."""
    with time_machine.travel(at, tick=False):
        return Webhook(secret).verify(request.body, dict(request.headers))


class Mailbox:
    """A mail server's last stop; `refuses` are answers to the next recipients or bodies."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.refuse_recipient: deque[str] = deque()
        self.refuse_body: deque[str] = deque()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.refuse_recipient:
            return self.refuse_recipient.popleft()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuse_body:
            return self.refuse_body.popleft()
        mail = BytesParser(EmailMessage, policy=policy.default).parsebytes(envelope.content)
        self.mails.append(mail)
        self.recipients += envelope.rcpt_tos
        return "250 OK"


class _OnAFreePort(Controller):
    def _trigger_server(self) -> None:
        """It greets itself once to see that it runs, and would look for itself at port 0."""
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_server() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    controller = _OnAFreePort(box, hostname="127.0.0.1", port=0, server_hostname="mail.test")
    controller.start()
    try:
        yield box, controller.port
    finally:
        controller.stop()


class Stalling:
    """A receiver that accepts, and then sends a byte of an answer that never ends every now and then."""

    def __init__(self, every: float) -> None:
        import socket

        self._every = every
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "Stalling":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        try:
            connection, _peer = self._socket.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                while not self._over.wait(self._every):
                    connection.sendall(b"x")
        except OSError:
            return  # the other side hung up


def told(cast: Cast, kind: RecipientKind, now: datetime, topic: str = "approved", **data: Any) -> Notice:
    """One notice to the buyer or the seller of the cast."""
    number = ids.number("RF", now)
    who = {"buyer": cast.buyer.pk, "seller": cast.seller.pk, "user": cast.supervisor.pk}[kind]
    money = {"amount": 4900, "currency": "CNY"}
    content = {"number": number, "order": "OD1", "amount": money, "approved": money, **data}
    assert tell([News(kind, who, topic, f"{number}:1", number, content, shop_id=cast.shop.pk)], now) == 1
    return Notice.objects.get(source=f"{number}:1")


def endpoint_at(cast: Cast, url: str, now: datetime) -> endpoints.Made:
    return endpoints.add(url=url, seller_id=cast.seller.pk, now=now)


def only_delivery(way: str) -> Delivery:
    return Delivery.objects.get(way=way)


def now() -> datetime:
    return timezone.now()


def sent(cast: Cast, receiver: Receiver, at: datetime) -> tuple[endpoints.Made, Delivery]:
    """An endpoint of the seller, and a notice on its way to it."""
    made = endpoint_at(cast, f"{receiver.url}/hook?shop=1", at)
    told(cast, RecipientKind.SELLER, at)
    return made, only_delivery("webhook")


def reread(delivery: Delivery) -> Delivery:
    return Delivery.objects.get(pk=delivery.pk)
