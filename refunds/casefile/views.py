"""Who reads a case, and what of it: asked by the time-line and by every part of the documents."""

from typing import NamedTuple

from ..machine import Party
from ..models import Appeal, Evidence, Message, Transition
from ..models.case_files import Reader

# About the buyer's person, not about the goods: no business of the seller's.
RULES_ABOUT_THE_BUYER = frozenset({"risk", "identity"})
WITHHELD = frozenset({"identity"})  # kinds that leave the house in no file (requirement K3)
SIDES = frozenset({Party.BUYER, Party.SELLER})


class View(NamedTuple):
    """What a reader is shown. Staff who prepare a file for somebody outside get neither notes nor names unasked."""

    reader: Reader
    is_internal: bool = False  # notes, proposals, flags, errors of the channel
    names_people: bool = False  # staff and sellers' people by name rather than by what they are
    staff_chat: bool = True

    def sees_evidence(self, evidence: Evidence) -> bool:
        """That there is such a file. Its bytes are another question: see WITHHELD."""
        return self.reader != Reader.SELLER or evidence.kind not in WITHHELD

    def sees_message(self, message: Message) -> bool:
        if message.is_internal:
            return self.is_internal
        return self.staff_chat or message.author in SIDES

    def sees_appeal(self, appeal: Appeal) -> bool:
        """What one side says against a decision is between it and the platform."""
        return self.reader == Reader.STAFF or appeal.party == self.reader

    def sees_rule(self, rule: str) -> bool:
        return self.reader != Reader.SELLER or rule not in RULES_ABOUT_THE_BUYER

    @property
    def sees_provider(self) -> bool:
        """The provider's word and the channel's codes: what the platform asked and was told."""
        return self.reader == Reader.STAFF

    @property
    def sees_devices(self) -> bool:
        """Addresses, devices and payment references: the buyer's own and the platform's, never the seller's."""
        return self.reader != Reader.SELLER

    def who(self, row: Transition | Message | Evidence, party: str) -> str:
        """By role, and by name where this reader is given names."""
        name = person(row.user) if self.names_people else ""
        return name or str(Party(party).label)


def person(user: object) -> str:
    """A user's full name, or the name they sign in with; "" for nobody."""
    if user is None:
        return ""
    return user.get_full_name() or user.get_username()  # type: ignore[attr-defined, no-any-return]


DESK = View(Reader.STAFF, is_internal=True, names_people=True)
PORTAL = View(Reader.SELLER)
