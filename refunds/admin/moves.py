"""What a person may decide on the case page: each move is one form, posted to one operation."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

from marketplace.identity.models import User
from marketplace.kernel.errors import Text
from refunds.machine import State
from refunds.models import PanelMember, Proposal, RefundRequest, Vote
from refunds.operations import review
from refunds.operations.ask_evidence import ask_evidence
from refunds.operations.vote import vote
from refunds.permissions import moves_for

from .forms import AskForm, ConfirmForm, JudgeForm, MoveForm, PartForm, RejectForm

Cleaned = Mapping[str, Any]


class Move(NamedTuple):
    """`events` are the edges of machine.py it takes; `run` calls the operation, which alone decides whether it may."""

    events: tuple[str, ...]
    label: Text
    help_text: Text
    key: str  # on the keyboard; of moves open at the same time no two have the same
    icon: str
    tone: str  # good | bad | calm
    form: type[MoveForm]
    run: Callable[[str, User, Cleaned, datetime], RefundRequest]
    done: Text


def _approve(number: str, user: User, data: Cleaned, now: datetime) -> RefundRequest:
    return review.approve_request(
        number=number, user=user, amount=data.get("amount"), now=now, **_ruling(data)
    )


def _ask(number: str, user: User, data: Cleaned, now: datetime) -> RefundRequest:
    asked = {name: data[name] for name in ("note", "of", "kinds", "until")}
    return ask_evidence(number=number, user=user, now=now, **asked)


def _vote_for_buyer(number: str, user: User, data: Cleaned, now: datetime) -> RefundRequest:
    return vote(number=number, user=user, amount=data["amount"], now=now, **_ruling(data))


def _vote_for_seller(number: str, user: User, data: Cleaned, now: datetime) -> RefundRequest:
    return vote(number=number, user=user, amount=0, clause=data["clause"], now=now, **_ruling(data))


def _confirm(number: str, user: User, data: Cleaned, now: datetime) -> RefundRequest:
    return review.approve_request(number=number, user=user, amount=data["proposed"], now=now, **_ruling(data))


def _reject(number: str, user: User, data: Cleaned, now: datetime) -> RefundRequest:
    return review.reject(number=number, user=user, clause=data["clause"], now=now, **_ruling(data))


def _ruling(data: Cleaned) -> dict[str, Any]:
    """What the form has of it: shares of the fault where a part is given."""
    said = {name: data[name] for name in ("note", "fault", "deviation")}
    return said | ({"shares": data["shares"]} if "shares" in data else {})


def _with_note(
    operation: Callable[..., RefundRequest],
) -> Callable[[str, User, Cleaned, datetime], RefundRequest]:
    def run(number: str, user: User, data: Cleaned, now: datetime) -> RefundRequest:
        return operation(number=number, user=user, note=data["note"], now=now)

    return run


MOVES: dict[str, Move] = {
    "confirm": Move(
        ("approve", "rule_for_buyer"), _("Confirm the proposal"), _("You are the second person: the money goes out at once."),
        "a", "verified_user", "good", ConfirmForm, _confirm, _("Confirmed. The money is on its way."),
    ),
    "approve": Move(
        ("approve", "rule_for_buyer"), _("Approve in full"), _("All that was asked goes back the way it came; a forced refund where the seller is at fault."),
        "a", "check_circle", "good", JudgeForm, _approve, _("Approved. The money is on its way."),
    ),
    "approve_part": Move(
        ("approve", "rule_for_buyer"), _("Approve in part"), _("A part goes back; the reasons say why not all."),
        "p", "incomplete_circle", "good", PartForm, _approve, _("Approved in part. The money is on its way."),
    ),
    "reject": Move(
        ("reject", "rule_for_seller"), _("Reject"), _("Nothing goes back. The buyer can appeal once."),
        "r", "block", "bad", RejectForm, _reject, _("Rejected."),
    ),
    "vote_for_buyer": Move(
        ("rule_for_buyer",), _("Vote for the buyer"), _("With most of the panel it is the ruling; the median of your amounts goes back."),
        "a", "how_to_vote", "good", PartForm, _vote_for_buyer, _("Your vote is given."),
    ),
    "vote_for_seller": Move(
        ("rule_for_seller",), _("Vote for the seller"), _("With most of the panel it is the ruling: nothing goes back."),
        "r", "how_to_vote", "bad", RejectForm, _vote_for_seller, _("Your vote is given."),
    ),
    "ask_evidence": Move(
        ("ask_evidence",), _("Ask for evidence"), _("One side gets a deadline that both see; say exactly what is missing."),
        "e", "attach_file", "calm", AskForm, _ask, _("Evidence asked for."),
    ),
    "resume": Move(
        ("resume",), _("Resume the review"), _("Go on without the evidence that was asked for."),
        "g", "play_arrow", "calm", MoveForm, _with_note(review.resume), _("The review goes on."),
    ),
    "take_over": Move(
        ("take_over",), _("Take over"), _("Step in before the seller's time is up."),
        "t", "front_hand", "calm", MoveForm, _with_note(review.take_over), _("Taken over from the seller."),
    ),
    "hear_appeal": Move(
        ("hear_appeal",), _("Hear the appeal"), _("Take the request up again; a reviewer decides anew."),
        "h", "undo", "calm", MoveForm, _with_note(review.hear_appeal), _("The request is open again."),
    ),
    "escalate": Move(
        ("escalate",), _("Take to arbitration"), _("The rejection is contested; a ruling ends the case."),
        "b", "balance", "calm", MoveForm, _with_note(review.escalate), _("Taken to arbitration."),
    ),
    "refer": Move(
        ("refer",), _("Refer to arbitration"), _("A panel decides; both sides are told."),
        "b", "balance", "calm", MoveForm, _with_note(review.refer), _("Referred to arbitration."),
    ),
}  # fmt: skip
APPROVALS = ("confirm", "approve", "approve_part")
VOTES = ("vote_for_buyer", "vote_for_seller")
ALONE = (*APPROVALS, "reject")


def bound(name: str, move: Move, case_of: RefundRequest, data: Any = None, **initial: Any) -> MoveForm:
    return move.form(data, case_of=case_of, auto_id=f"{name}-%s", initial=initial)


def open_to(
    user: User,
    request: RefundRequest,
    proposal: Proposal | None,
    seats: Sequence[PanelMember] = (),
    votes: Sequence[Vote] = (),
) -> dict[str, Move]:
    """The moves to show: the edges this person may take now. A standing proposal can only be confirmed, by another;
    where several sit over the case, each of them votes once, and nobody rules alone.
    """
    events = {edge.event for edge in moves_for(user, request)}
    if proposal is None:
        hidden: tuple[str, ...] = ("confirm",)
    elif proposal.by_id == user.pk:
        hidden = APPROVALS
    else:
        hidden = ("approve", "approve_part")
    if request.state == State.ARBITRATION and len(seats) > 1:
        hidden += ALONE
        mine = {seat.pk for seat in seats if seat.arbiter_id == user.pk}
        if not mine or any(vote.member_id in mine for vote in votes):
            hidden += VOTES
    else:
        hidden += VOTES
    return {name: move for name, move in MOVES.items() if events & set(move.events) and name not in hidden}
