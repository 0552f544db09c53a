"""The sides of a case, each at the interface that is theirs, and what each of them sees there.

Nothing here calls an operation: a shop pushes signed orders, the buyer holds a token of that shop, sellers' people and
staff sign in with a password, and what they may do is read from their pages.
"""

import html
import re
from datetime import datetime
from typing import Any, NamedTuple

from django.test import Client
from django.utils import timezone, translation

from marketplace.identity.desk.step_up import FRESH_FOR
from marketplace.identity.models import User
from refunds.admin.moves import MOVES
from refunds.casefile.words import EVENTS as DESK_TITLES
from refunds.machine import Clock, State
from sellers.portal.looks import EVENTS as PORTAL_TITLES
from sellers.portal.looks import STATES as PORTAL_STATES
from tests.people import Api, Cast

PASSWORD = "correct horse 12"
ENGLISH = {"accept-language": "en"}
QUEUE = "/admin/refunds/refundrequest/"
SESSION = FRESH_FOR  # after it a move that weighs would want a proof anew: signing in is one
# What a seller may decide; to write a message, add a file or read is open always.
ANSWERS = {"agree", "refuse", "part", "replacement", "promise", "sealed", "appeal"}


class Seen(NamedTuple):
    """A case as one side sees it: its state, the clocks that run with the instant each runs out, and what it may do."""

    state: str
    clocks: dict[str, datetime]
    may: set[str]


class Shop:
    def __init__(self, cast: Cast) -> None:
        self._shop = cast.shop

    def push(self, path: str, body: Any) -> dict[str, Any]:
        """POST, signed; path is below /api/v1/ingest/."""
        answer = Api().push(self._shop, f"/api/v1/ingest/{path}", body)
        assert answer.status_code in (200, 201), answer.content
        return dict(answer.json())


class Buyer:
    """Holds a token of the shop, fetched anew for each call as the shop's own pages do."""

    def __init__(self, shop: Shop, external_id: str) -> None:
        self._shop, self._external_id = shop, external_id

    def get(self, path: str) -> Any:
        return self._signed_in().get(f"/api/v1/{path}", headers=ENGLISH)

    def post(self, path: str, body: Any = None, expect: int = 201, **how: Any) -> dict[str, Any]:
        answer = self._signed_in().post(f"/api/v1/{path}", body, headers=ENGLISH, **how)
        assert answer.status_code == expect, answer.content
        return dict(answer.json())

    def told(self) -> list[str]:
        """The topics of all notices, oldest first."""
        page = self.get("notifications/?page_size=100").json()
        assert page["next"] is None
        return [notice["topic"] for notice in reversed(page["results"])]

    def _signed_in(self) -> Api:
        token = self._shop.push(f"buyers/{self._external_id}/token/", {})["token"]
        client = Api()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return client


class Browser:
    """One person's, signed in with a password; again where the session has ended meanwhile."""

    def __init__(self, user: User, door: str) -> None:
        user.set_password(PASSWORD)
        user.save(update_fields=["password"])
        self._user, self._door = user, door
        self._client, self._ends = Client(headers=ENGLISH), timezone.now()

    def get(self, path: str) -> str:
        answer = self._signed_in().get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return str(answer.content.decode())

    def post(self, path: str, typed: dict[str, Any], expect: int = 302) -> Any:
        answer = self._signed_in().post(path, typed)
        assert answer.status_code == expect, (path, answer.status_code, words(answer))
        return answer

    def _signed_in(self) -> Client:
        if timezone.now() >= self._ends:
            self._client = Client(headers=ENGLISH)
            answer = self._client.post(self._door, {"username": self._user.username, "password": PASSWORD})
            assert answer.status_code == 302, "nobody is signed in"
            self._ends = timezone.now() + SESSION
        return self._client


class Seller(Browser):
    def __init__(self, user: User) -> None:
        super().__init__(user, "/portal/login/")

    def answer(self, number: str, way: str, expect: int = 302, **typed: Any) -> Any:
        return self.post(f"/portal/cases/{number}/{way}/", typed, expect)

    def case(self, number: str) -> str:
        return self.get(f"/portal/cases/{number}/")

    def sees(self, number: str) -> Seen:
        """The portal names a clock by its place and its words: kinds are read from its labels."""
        page = self.case(number)
        line = _one(r'<p class="case-line">(.*?)</p>', page)
        panel = _one(r'<section class="panel answer.*?</section>', page, group=0)
        clocks = {
            _kind(label): _instant(at)
            for label, at in re.findall(
                r'(?:<span class="clock-label">|<p class="small">)(?:<svg.*?</svg>)?([^<>]+?):?\s*(?:</span>\s*<b|<span class="due).*?'
                r'data-(?:clock|due)="([^"]+)"',
                panel,
                re.DOTALL,
            )
        }
        may = set(re.findall(rf'(?:action|href)="/portal/cases/{number}/(\w+)/"', page)) & ANSWERS
        return Seen(_state(words(line), {s: str(look.word) for s, look in _portal_states()}), clocks, may)

    def told(self, number: str) -> list[str]:
        """The titles of all notices, oldest first, with N for the case's number."""
        page = self.get("/portal/notices/")
        titles = re.findall(r"<h2><a [^>]*>(.*?)</a>", page)
        return [html.unescape(title).replace(number, "N") for title in reversed(titles)]

    def moves(self, number: str) -> list[tuple[str, datetime]]:
        return _moves(_one(r'<ol class="timeline">(.*?)</ol>', self.case(number)), _in_english(PORTAL_TITLES))


class Staff(Browser):
    def __init__(self, user: User) -> None:
        super().__init__(user, "/admin/login/")
        self.user = user

    def do(self, number: str, move: str, expect: int = 302, **typed: Any) -> Any:
        return self.post(_desk(number), {"move": move, **typed}, expect)

    def case(self, number: str) -> str:
        return self.get(_desk(number))

    def is_kept_out(self, number: str) -> bool:
        """Whether the case is one that does not exist, to this person."""
        answer = self._signed_in().get(_desk(number))
        return (answer.status_code, answer.headers.get("Location")) == (302, QUEUE)

    def appeal(self, number: str) -> str:
        """The address of the case's one appeal, from the case's page."""
        return _one(r'href="(/admin/refunds/appeal/\d+/change/)"', self.case(number))

    def sees(self, number: str) -> Seen:
        page = self.case(number)
        head = _one(r'<header class="desk-head">(.*?)</header>', page)
        clocks = {
            _kind(label): _instant(at)
            for label, at in re.findall(
                r'<dt>([^<]+)</dt><dd><span class="desk-two.*?datetime="([^"]+)"', head
            )
        }
        may = set(re.findall(r'name="move" value="(\w+)"', page)) & MOVES.keys()
        named = words(_one(r'<h2 class="desk-mono">.*?</h2>(.*?)</div>', head))
        return Seen(_state(named, _in_english(dict(State.choices))), clocks, may)

    def moves(self, number: str) -> list[tuple[str, datetime]]:
        line = _one(r'<ol class="desk-timeline">(.*?)</ol>', self.case(number))
        return _moves(line, _in_english(DESK_TITLES))


def words(response: Any) -> str:
    """The text of a page, or of a part of one, without markup."""
    body = response if isinstance(response, str) else response.content.decode()
    body = re.sub(r"<head>.*?</head>|<script.*?</script>|<svg.*?</svg>", " ", body, flags=re.DOTALL)
    body = re.sub(
        r'<span class="material-symbols-outlined"[^>]*>.*?</span>|<[^>]+>', " ", body, flags=re.DOTALL
    )
    return " ".join(html.unescape(body).split())


def _desk(number: str) -> str:
    return f"{QUEUE}case/{number}/"


def _one(pattern: str, page: str, group: int = 1) -> str:
    found = re.search(pattern, page, re.DOTALL)
    assert found, pattern
    return found[group]


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _in_english(table: dict[str, Any]) -> dict[str, str]:
    with translation.override("en"):
        return {key: str(text) for key, text in table.items()}


def _portal_states() -> list[tuple[str, Any]]:
    with translation.override("en"):
        return [(state, look._replace(word=str(look.word))) for state, look in PORTAL_STATES.items()]


def _state(line: str, names: dict[str, str]) -> str:
    """The state a line begins with the name of."""
    return max((state for state, name in names.items() if line.startswith(name)), key=lambda s: len(names[s]))


def _kind(label: str) -> str:
    kinds = {text: kind for kind, text in _in_english(dict(Clock.choices)).items()}
    kinds["Time left to answer"] = Clock.SELLER_REPLY.value  # what the seller's own is called on their page
    return str(kinds[html.unescape(label).strip()])


def _moves(line: str, titles: dict[str, str]) -> list[tuple[str, datetime]]:
    """The moves of a time-line, by their titles; what else stands in it is left out."""
    codes = {title: event for event, title in titles.items()}
    # Entry by entry: the portal puts the time before the title, the desk behind it.
    entries = re.split(r"<li\b", line)[1:]
    named = [
        (html.unescape(_one(r"<b>(.*?)</b>", entry)), _instant(_one(r'<time datetime="([^"]+)">', entry)))
        for entry in entries
    ]
    return [(codes[title], at) for title, at in named if title in codes]
