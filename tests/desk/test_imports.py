"""Files brought in at the desk: looked through, confirmed, taken in, and the bad rows with their reasons (K5)."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from marketplace.identity.models import User
from marketplace.identity.roles import Role
from marketplace.kernel.errors import NotPermitted
from refunds import desk_imports
from refunds.models import CalendarDay, FileImport, RefundRequest
from tests.factories import hours, make_order
from tests.people import Cast

from .conftest import staff

SignIn = Callable[[User], Client]
ADD = "/admin/refunds/fileimport/add/"
ENGLISH = {"accept-language": "en"}
DAYS = "day,is_working,note\n2027-01-01,0,New Year\n2027-13-01,1,Wrong\n2027-01-03,perhaps,Wrong\n2027-01-04,1,\n"


@pytest.fixture
def supervisor(cast: Cast, signed_in: SignIn) -> Client:
    return signed_in(cast.supervisor)


def uploaded(client: Client, text: str | bytes, kind: str = "requests") -> FileImport:
    body = text.encode() if isinstance(text, str) else text
    answer = client.post(
        ADD, {"kind": kind, "file": SimpleUploadedFile("old desk.csv", body)}, headers=ENGLISH
    )
    assert answer.status_code == 302, answer.content.decode()
    return FileImport.objects.latest("id")


def page_of(row: FileImport) -> str:
    return f"/admin/refunds/fileimport/{row.pk}/change/"


def worked(row: FileImport) -> FileImport:
    desk_imports.work(row.pk, timezone.now())
    row.refresh_from_db()
    return row


def requests_file(cast: Cast, *bad: str) -> str:
    orders = [
        make_order(shop=cast.shop, buyer=cast.buyer, seller=cast.seller, events=[("delivered", hours(-3))])
        for _ in range(2)
    ]
    rows = [f"{cast.shop.code},{order.external_no},invalid_code,T-{order.pk}" for order in orders]
    return "\n".join(["shop,external_no,reason,ticket", *rows, *bad]) + "\n"


def test_file_is_looked_through_before_anything_goes_in(cast: Cast, supervisor: Client) -> None:
    row = uploaded(supervisor, requests_file(cast, "shop,nowhere,invalid_code,T-9"))
    assert 'hx-trigger="every 1s"' in supervisor.get(page_of(row)).content.decode()
    worked(row)
    assert (row.good, row.bad, row.percent) == (2, 1, 100)
    assert not RefundRequest.objects.exists()
    page = supervisor.get(page_of(row), headers=ENGLISH).content.decode()
    assert "No order has this number in the shop named." in page
    assert "Take 2 rows in" in page
    assert "every 1s" not in page


def test_confirmed_rows_go_in_once_and_the_bad_ones_are_a_file(cast: Cast, supervisor: Client) -> None:
    row = worked(uploaded(supervisor, requests_file(cast, "shop,=nowhere,invalid_code,T-9")))
    assert supervisor.post(page_of(row)).status_code == 302
    worked(row)
    assert (row.good, row.known, row.bad, bytes(row.body)) == (2, 0, 1, b"")
    assert RefundRequest.objects.filter(channel="import").count() == 2
    first = RefundRequest.objects.order_by("id")[0].transitions.get(sequence=1)
    assert first.user == cast.supervisor
    supervisor.post(page_of(row))
    worked(row)
    desk_imports.sweep(timezone.now() + timedelta(hours=1))
    assert RefundRequest.objects.count() == 2
    file = supervisor.get(f"/admin/refunds/fileimport/{row.pk}/bad-rows.csv").content.decode("utf-8-sig")
    assert file.splitlines()[0] == "line,field,value,reason,raw"
    assert "'=nowhere" in file


def test_same_file_again_knows_what_is_in(cast: Cast, supervisor: Client) -> None:
    text = requests_file(cast)
    first = worked(uploaded(supervisor, text))
    supervisor.post(page_of(first))
    worked(first)
    again = worked(uploaded(supervisor, text))
    assert (again.good, again.known, again.bad) == (0, 2, 0)
    assert supervisor.post(page_of(again)).status_code == 409
    assert RefundRequest.objects.count() == 2


def test_worker_that_died_is_followed_by_another_and_nothing_goes_in_twice(
    cast: Cast, supervisor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    row = worked(uploaded(supervisor, requests_file(cast)))
    supervisor.post(page_of(row))

    def die(_import_id: int) -> Callable[[int, int], None]:
        def say(_position: int, _size: int) -> None:
            raise Killed  # the first row is in

        return say

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(desk_imports, "_progress", die)
        desk_imports.work(row.pk, timezone.now())
    assert RefundRequest.objects.count() == 1
    desk_imports.work(row.pk, timezone.now())  # the dead one may still be at it
    desk_imports.sweep(timezone.now())
    assert FileImport.objects.get(pk=row.pk).finished_at is None
    desk_imports.sweep(timezone.now() + timedelta(minutes=2))
    row.refresh_from_db()
    assert (row.good, row.known) == (1, 1)
    assert row.finished_at is not None
    assert RefundRequest.objects.count() == 2


def test_days_are_marked_and_each_bad_one_says_what_to_write(cast: Cast, supervisor: Client) -> None:
    row = worked(uploaded(supervisor, DAYS, "days"))
    assert (row.good, row.bad, CalendarDay.objects.count()) == (1, 3, 0)
    page = supervisor.get(page_of(row), headers=ENGLISH).content.decode()
    for reason in (
        "Write the day as 2027-01-01.",
        "Write 1 for a working day",
        "Say why, in 1 to 200 characters.",
    ):
        assert reason in page
    supervisor.post(page_of(row))
    worked(row)
    marked = CalendarDay.objects.get()
    assert (marked.day, marked.is_working, marked.note, marked.user) == (
        date(2027, 1, 1), False, "New Year", cast.supervisor,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("shop,external_no\nshop,1\n", "requests", "The header lacks: reason."),
        ("day,note\n2027-01-01,x\n", "days", "The header lacks: is_working."),
        ("day,is_working,note,colour\n2027-01-01,1,x,red\n", "days", "mean nothing here: colour."),
        ('[{"external_no": "1"}]', "requests", "Write one request a line"),
    ],
)
def test_file_that_cannot_be_read_says_why_and_takes_nothing_in(
    text: str, kind: str, said: str, cast: Cast, supervisor: Client
) -> None:
    row = worked(uploaded(supervisor, text, kind))
    assert said in supervisor.get(page_of(row), headers=ENGLISH).content.decode()
    assert supervisor.post(page_of(row)).status_code == 409
    assert row.confirmed_at is None


@pytest.mark.parametrize(
    ("size", "said"), [(0, "The file is empty."), (2 * 1024 * 1024 + 1, "larger than 2 MB")]
)
def test_empty_or_too_large_a_file_is_refused(size: int, said: str, cast: Cast, supervisor: Client) -> None:
    file = SimpleUploadedFile("x.csv", b"x" * size)
    answer = supervisor.post(ADD, {"kind": "days", "file": file}, headers=ENGLISH)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not FileImport.objects.exists()


@pytest.mark.parametrize("role", ["", *sorted(set(Role) - {Role.SUPERVISOR})])
def test_only_a_supervisor_brings_files_in(
    role: str, cast: Cast, supervisor: Client, signed_in: SignIn
) -> None:
    row = worked(uploaded(supervisor, DAYS, "days"))
    client, user = signed_in(person := staff(role)), person
    assert client.get(ADD).status_code == client.post(ADD, {"kind": "days"}).status_code == 403
    assert client.get(page_of(row)).status_code == client.post(page_of(row)).status_code == 403
    assert client.get(f"/admin/refunds/fileimport/{row.pk}/bad-rows.csv").status_code == 403
    with pytest.raises(NotPermitted):
        desk_imports.upload(user=user, kind="days", name="x", body=b"x", language="en", now=timezone.now())
    with pytest.raises(NotPermitted):
        desk_imports.confirm(user=user, import_id=row.pk, now=timezone.now())
    assert FileImport.objects.get().confirmed_at is None


def test_another_supervisors_file_is_not_there(cast: Cast, supervisor: Client, signed_in: SignIn) -> None:
    row = worked(uploaded(supervisor, DAYS, "days"))
    other = signed_in(staff(Role.SUPERVISOR))
    assert other.get(page_of(row)).status_code == other.post(page_of(row)).status_code == 302
    assert FileImport.objects.get().confirmed_at is None
