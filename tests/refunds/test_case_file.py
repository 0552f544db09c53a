"""The file of a case (requirements D5, D6, F10): whole, true to its hashes, and telling nobody what is not theirs."""

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pypdf import PdfReader

from marketplace.kernel.errors import NotFound, NotPermitted
from refunds.casefile import verify
from refunds.casefile.fonts import printable
from refunds.casefile.purposes import CONTENTS, Purpose, warning
from refunds.evidence import storage
from refunds.models import CaseFileMade, Message, RefundRequest
from refunds.operations import make_case_file as making
from refunds.operations.make_case_file import CaseFile, make_as_buyer, make_as_seller, make_as_staff
from refunds.operations.say import say_as_seller, say_as_staff
from tests.cases import bring, file, make_request
from tests.contested import arbiter, seat
from tests.evidence import evidence_folder, give
from tests.factories import StaffFactory, hours, make_order
from tests.judged import letter, reject
from tests.people import Api, Cast
from tests.refunds.hostile.parts import png

__all__ = ["evidence_folder"]
pytestmark = pytest.mark.usefixtures("evidence_folder")

DEVICE, ADDRESS, PHONE, NOTE = "Device-7Q", "203.0.113.77", "13812345678", "Smells of fraud."


@pytest.fixture
def case(cast: Cast) -> RefundRequest:
    """With everything somebody should not see: a code, a phone and a card number, a note, an identity document."""
    cast.buyer.phone, cast.buyer.device = PHONE, DEVICE
    cast.buyer.save()
    order = make_order(
        shop=cast.shop,
        buyer=cast.buyer,
        seller=cast.seller,
        total=9900,
        page_text="Delivered at once.",
        events=[
            ("delivered", hours(-3)),
            ("revealed", hours(-2), {"data": {"ip": ADDRESS, "device": DEVICE}}),
        ],
        target={"account": "player", "phone": PHONE},
    )
    request = file(
        order, description=f"The code CARD-{order.no}-1 is used. Call {PHONE}, card 6222 0212 3456 7890 123."
    )
    request = bring(request, "manual_review", cast)
    say_as_staff(number=request.number, user=cast.reviewer, text=NOTE, now=timezone.now(), is_internal=True)
    say_as_staff(number=request.number, user=cast.reviewer, text="Please wait a day.", now=timezone.now())
    say_as_seller(number=request.number, user=cast.seller_user, text="We delivered.", now=timezone.now())
    give(request, cast.support)
    give(request, cast.support, png(3), kind="identity")
    letter(request, cast.reviewer)
    reject(request, cast.reviewer)
    request.refresh_from_db()
    return request


def made_for(reader: str, case: RefundRequest, cast: Cast, **asked: Any) -> CaseFile:
    asked = {"purpose": "arbitration", "language": "en", "form": "zip", "now": timezone.now(), **asked}
    if reader == "buyer":
        return make_as_buyer(number=case.number, buyer_id=cast.buyer.pk, **asked)
    if reader == "seller":
        return make_as_seller(number=case.number, user=cast.seller_user, **asked)
    return make_as_staff(number=case.number, user=cast.reviewer, with_notes=reader == "notes", **asked)


def opened(made: CaseFile) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(made.file.read()))


def text_of(archive: zipfile.ZipFile) -> str:
    """All that can be read in it, the printed pages included, without what lays it out."""
    pages = PdfReader(io.BytesIO(archive.read("case.pdf"))).pages
    printed = "".join(page.extract_text() for page in pages)
    data = "".join(
        archive.read(name).decode() for name in archive.namelist() if name.endswith((".json", ".csv"))
    )
    return "".join((printed + data).split())


def saved(made: CaseFile, tmp_path: Path) -> Path:
    path = tmp_path / "file.zip"
    path.write_bytes(made.file.read())
    return path


def test_every_byte_agrees_with_its_hash_by_the_tools_of_anybody(
    case: RefundRequest, cast: Cast, tmp_path: Path
) -> None:
    made = made_for("staff", case, cast)
    path = saved(made, tmp_path)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path)
        assert archive.testzip() is None
        manifest = json.loads(archive.read("manifest.json"))
        assert {each["file"] for each in manifest["files"]} == set(archive.namelist()) - {
            "case.pdf",
            "manifest.json",
            "MANIFEST.sha256",
        }
        for each in manifest["files"]:
            content = archive.read(each["file"])
            assert (len(content), hashlib.sha256(content).hexdigest()) == (each["size"], each["sha256"])
        assert hashlib.sha256(archive.read("manifest.json")).hexdigest() == made.made.manifest_sha256
        assert made.made.manifest_sha256 in text_of(archive)  # the paper vouches for the files
    subprocess.run(["sha256sum", "--check", "--strict", "MANIFEST.sha256"], cwd=tmp_path, check=True)
    found = subprocess.run(
        [sys.executable, "-m", "refunds.casefile.verify", path], capture_output=True, text=True
    )
    assert (found.returncode, found.stdout) == (0, "every file is as it was made\n")


@pytest.mark.parametrize(
    "tampered", ["case.pdf", "timeline.json", "evidence/01-error_screen-a.png", "manifest.json"]
)
def test_tampering_is_found(case: RefundRequest, cast: Cast, tmp_path: Path, tampered: str) -> None:
    path = saved(made_for("staff", case, cast), tmp_path)
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        for name in archive.namelist():
            content = archive.read(name)
            other.writestr(name, content + b" " if name == tampered else content)
        other.writestr("added.txt", "x")
    assert verify.faults(str(tmp_path / "other.zip")) == ["added.txt: not listed", f"{tampered}: altered"]


def test_same_case_at_the_same_instant_gives_the_same_bytes(case: RefundRequest, cast: Cast) -> None:
    now = timezone.now()
    first, second = (made_for("staff", case, cast, now=now).file.read() for _ in range(2))
    assert first == second


# Who reads what: a text that is in the case x whether it is in their file.
NEVER = [PHONE, "6222021234567890123", "62220212345678", "CARD-RO"]
SEEN = {
    "We delivered.": {"staff", "notes", "seller", "buyer"},
    "Please wait a day.": {"staff", "notes", "seller", "buyer"},
    NOTE: {"notes"},
    "We have no credit under this card.": {"staff", "notes"},  # the provider's word
    ADDRESS: {"staff", "notes", "buyer"},
    DEVICE: {"staff", "notes", "buyer"},
    "138****5678": {"staff", "notes", "seller", "buyer"},  # the phone the goods went to
    "Identity": {"staff", "notes", "buyer"},
    "staff-": {"notes"},  # names of people
    "seller-person-": {"notes"},
}


@pytest.mark.parametrize("reader", ["staff", "notes", "seller", "buyer"])
def test_file_holds_what_its_reader_may_see_and_nothing_else(
    case: RefundRequest, cast: Cast, reader: str
) -> None:
    archive = opened(made_for(reader, case, cast))
    text = text_of(archive)
    shown = {words: "".join(words.split()) in text for words in SEEN}
    assert shown == {words: reader in readers for words, readers in SEEN.items()}
    assert not [words for words in NEVER if words in text]
    assert not [name for name in archive.namelist() if "identity" in name]


@pytest.mark.parametrize("purpose", Purpose.values)
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_each_purpose_has_its_parts(case: RefundRequest, cast: Cast, purpose: str, language: str) -> None:
    made = made_for("staff", case, cast, purpose=purpose, language=language, form="pdf")
    pages = PdfReader(made.file).pages
    text = "".join("".join(page.extract_text().split()) for page in pages)
    assert case.number in text
    assert f"{len(CONTENTS[purpose].parts)}." in text
    # A channel hears what the parties said, not what the platform told them, and no name of the seller.
    assert ("Pleasewaitaday." in text) == (purpose != "channel")
    assert (f"{cast.seller.name}({cast.seller.code})".replace(" ", "") in text) == (purpose != "channel")


def test_floor_of_police_and_court_is_a_warning_and_no_bar(cast: Cast) -> None:
    small = make_request(cast, total=9900)
    large = make_request(cast, total=600_000)
    theft = make_request(cast, reason="seller_fraud", total=9900)
    for purpose, request, is_doubted in (
        ("police", small, True),
        ("police", large, False),
        ("police", theft, False),
        ("court", small, True),
        ("court", large, False),
        ("arbitration", small, False),
    ):
        assert bool(warning(purpose, request)) == is_doubted, (purpose, request.reason)
    assert made_for("staff", small, cast, purpose="court").made.purpose == "court"


def test_lost_and_altered_files_are_listed_with_the_reason(case: RefundRequest, cast: Cast) -> None:
    lost = give(make_request(cast, state="manual_review"), cast.support)
    altered = give(lost.request, cast.support, png(5))
    storage.files().delete(lost.key)
    Path(storage.files().path(altered.key)).write_bytes(b"something else")
    archive = opened(made_for("staff", lost.request, cast))
    left_out = json.loads(archive.read("manifest.json"))["left_out"]
    assert [(each["evidence"], each["reason"]) for each in left_out] == [(1, "missing"), (2, "altered")]
    assert not [name for name in archive.namelist() if name.startswith("evidence/")]
    assert "notfoundinthestorage" in text_of(archive)


def test_too_large_an_archive_is_refused_and_the_pdf_is_not(
    case: RefundRequest, cast: Cast, settings: Any
) -> None:
    settings.CASE_FILE_MAX_BYTES = 10
    with pytest.raises(making.CaseFileTooLarge) as refused:
        made_for("staff", case, cast)
    assert refused.value.extra["limit"] == 10
    assert not CaseFileMade.objects.exists()
    assert made_for("staff", case, cast, form="pdf").made.form == "pdf"


def test_a_case_gives_so_many_files_an_hour(case: RefundRequest, cast: Cast, settings: Any) -> None:
    settings.CASE_FILES_AN_HOUR = 1
    made_for("seller", case, cast, form="pdf")
    with pytest.raises(making.TooManyCaseFiles):
        made_for("seller", case, cast, form="pdf")
    made_for("buyer", case, cast, form="pdf")  # the other side has its own
    assert CaseFileMade.objects.count() == 2


def test_strangers_get_no_file_and_leave_no_trace(case: RefundRequest, cast: Cast, api: Api) -> None:
    path = f"/api/v1/refund-requests/{case.number}/case-file/"
    asked = {"purpose": "court", "language": "en", "form": "pdf", "now": timezone.now()}
    for user in (cast.other_seller_user, cast.reviewer, StaffFactory.create(role="")):
        with pytest.raises(NotFound):
            make_as_seller(number=case.number, user=user, **asked)
    for user in (
        cast.seller_user,
        StaffFactory.create(role="policy_editor"),
        StaffFactory.create(is_active=False),
    ):
        with pytest.raises(NotPermitted):
            make_as_staff(number=case.number, user=user, **asked)
    assert api.sign_in(cast.stranger).get(path).status_code == 404
    assert api.get(path).status_code == 401
    assert not CaseFileMade.objects.exists()


def test_arbiter_takes_the_files_of_their_own_cases_alone(case: RefundRequest, cast: Cast) -> None:
    asked = {"purpose": "arbitration", "language": "en", "form": "pdf", "now": timezone.now()}
    outsider, seated = arbiter(), arbiter()
    ruled = make_request(cast, state="arbitration")
    seat(cast, ruled, seated)
    for user, number in ((outsider, case.number), (outsider, ruled.number), (seated, case.number)):
        with pytest.raises(NotFound):
            make_as_staff(number=number, user=user, with_notes=True, **asked)
    assert not CaseFileMade.objects.exists()
    make_as_staff(number=ruled.number, user=seated, **asked)
    assert CaseFileMade.objects.get().user == seated


def test_buyer_takes_the_file_over_the_api(case: RefundRequest, cast: Cast, api: Api) -> None:
    path = f"/api/v1/refund-requests/{case.number}/case-file/"
    buyer = api.sign_in(cast.buyer)
    answer = buyer.get(path, {"purpose": "12315", "language": "zh-hans", "format": "zip"})
    content = b"".join(answer.streaming_content)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    assert f'filename="{case.number}-12315.zip"' in answer["Content-Disposition"]
    assert "case.pdf" in zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert b"".join(buyer.get(path, {"format": "pdf"}).streaming_content).startswith(b"%PDF-")
    made = CaseFileMade.objects.order_by("id").first()
    assert made is not None and (made.by, made.user, made.purpose) == ("buyer", None, "12315")


@pytest.mark.parametrize(
    "wrong", [{"purpose": "press"}, {"language": "fr"}, {"format": "exe"}, {"color": "red"}]
)
def test_wrong_question_is_a_problem_in_json(
    case: RefundRequest, cast: Cast, api: Api, wrong: dict[str, str]
) -> None:
    answer = api.sign_in(cast.buyer).get(f"/api/v1/refund-requests/{case.number}/case-file/", wrong)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert [each["pointer"] for each in answer.json()["errors"]] == [f"/{next(iter(wrong))}"]
    assert not CaseFileMade.objects.exists()


def test_unknown_choice_is_named(case: RefundRequest, cast: Cast) -> None:
    with pytest.raises(making.UnknownChoice) as refused:
        made_for("staff", case, cast, purpose="press")
    assert (refused.value.extra["field"], refused.value.extra["value"]) == ("purpose", "press")


HOSTILE = {
    "right to left": "\u202egnp.exe\u202c مرحبا بالعالم",
    "emoji": "🙂👨‍👩‍👧‍👦🏳️‍🌈",
    "controls": "a\x01b\x7f\u200b\ufeff\u2028c",
    "mark-up": '<b>bold</b><img src="http://x/"/><para>&amp;&#0;</font> <![CDATA[',
    "long": "长" * 10_000,
    "no space": "x" * 10_000,
    "lines": "\n" * 4_000,
    "formula": '=HYPERLINK("http://x")',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_words_break_nothing(cast: Cast, text: str) -> None:
    request = make_request(cast, state="manual_review", page_text=text)
    Message.objects.create(request=request, author="buyer", text=text, at=timezone.now())
    archive = opened(made_for("buyer", request, cast))
    assert len(PdfReader(io.BytesIO(archive.read("case.pdf"))).pages) >= 2
    assert json.loads(archive.read("messages.json"))[0]["text"] == text
    assert ",=" not in archive.read("timeline.csv").decode()


def test_character_the_font_lacks_is_seen_to_be_missing() -> None:
    assert printable("退款 ok 🙂\u202e喆") == "退款 ok □□喆"


def test_file_takes_a_fixed_number_of_queries(cast: Cast) -> None:
    counts = []
    for size in (1, 30):
        request = make_request(cast, state="manual_review", quantity=size, total=9900)
        for n in range(size):
            Message.objects.create(request=request, author="buyer", text=f"{n}", at=timezone.now())
        give(request, cast.support, png(size))
        with CaptureQueriesContext(connection) as queries:
            made_for("buyer", request, cast)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 23


def test_files_are_read_in_pieces(cast: Cast, case: RefundRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded by a piece and the pages, whatever the evidence weighs."""
    big = b"\0" * (5 * 1024 * 1024)
    asked: list[int] = []

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            asked.append(-1 if size is None else size)
            return super().read(size)

    monkeypatch.setattr(type(storage.files()), "open", lambda _self, _key, _mode="rb": Watched(big))
    made_for("staff", case, cast)
    assert asked and max(asked) <= 1024 * 1024


def test_making_is_bound_to_its_maker_by_the_database(case: RefundRequest, cast: Cast) -> None:
    fields = {"request": case, "purpose": "court", "language": "en", "form": "zip", "at": timezone.now()}
    for wrong, law in (
        ({"by": "buyer", "user": cast.reviewer}, "case_file_names_its_maker"),
        ({"by": "staff", "user": None}, "case_file_names_its_maker"),
        ({"by": "seller", "user": cast.seller_user, "is_internal": True}, "case_file_internal_by_staff"),
    ):
        with pytest.raises(IntegrityError, match=law), transaction.atomic():
            CaseFileMade.objects.create(**fields, **wrong)
