"""The keys of the desk, declared once: the buttons show them, static/desk/keys.js obeys them, the help lists them.

An element answers to a key by data-key="<name>". Keys of one letter can be switched off in the help; none of them is
taken while somebody types. The keys of a case's moves stand beside the moves themselves (moves.py).
"""

from collections.abc import Iterable
from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from marketplace.kernel.errors import Text

from .moves import Move


class Shortcut(NamedTuple):
    keys: tuple[
        str, ...
    ]  # as KeyboardEvent.key says them; "Ctrl+" stands for Control, and for Command on a Mac
    label: Text

    @property
    def shown(self) -> list[str]:
        return [key.replace("Ctrl+k", "Ctrl+K") for key in self.keys]


EVERYWHERE: dict[str, Shortcut] = {
    "palette": Shortcut(("Ctrl+k", "/"), _("Go to a case, a queue or a page")),
    "help": Shortcut(("?",), _("Keys of this page")),
}
CASE: dict[str, Shortcut] = {
    "next_section": Shortcut(("j",), _("Next section")),
    "previous_section": Shortcut(("k",), _("Section before")),
    "lightbox": Shortcut(("l",), _("Look at the evidence")),
    "message": Shortcut(("m",), _("Write a message")),
    "note": Shortcut(("i",), _("Write an internal note")),
    "next": Shortcut(("n",), _("Next case")),
    "back": Shortcut(("u",), _("Back to the queue")),
    "send": Shortcut(("Ctrl+Enter",), _("Send the open form")),
}


def of_case(moves: Iterable[tuple[str, Move]]) -> dict[str, Shortcut]:
    """Those of a case's page: its moves first, then what is on every case, then what is on every page."""
    return {name: Shortcut((move.key,), move.label) for name, move in moves} | CASE | EVERYWHERE
