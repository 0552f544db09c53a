"""Every file of the corpus through the real API: taken and cleaned, or refused and nothing changed (D3)."""

import hashlib
import io
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader

from refunds.evidence.storage import files, small_key
from refunds.machine import State
from refunds.models import Evidence
from tests.cases import make_request
from tests.evidence import problem_of, send, state_of
from tests.people import Api, Cast
from tests.refunds.hostile.corpus import CORPUS, NAMES
from tests.refunds.hostile.parts import GPS_MAKE, SECRET, exif, jpeg, scene

STATUS = {"file_too_large": 413}
# Nothing of this may be in a kept file, wherever it was hidden.
HIDDEN = [b"<script", b"alert(", b"<?php", b"PK\x03\x04", b"evil.js", b"Exif", b"xmpmeta", b"pypdf"]
HIDDEN += [GPS_MAKE.encode(), SECRET.encode()]
# What Pillow says of any file of a format; none of it comes from its giver.
OF_THE_FORMAT = {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
OF_THE_FORMAT |= {"loop", "background", "timestamp", "duration"}
TAKEN = [name for name, sent in CORPUS.items() if not sent.answer]
REFUSED = [name for name, sent in CORPUS.items() if sent.answer]

pytestmark = pytest.mark.usefixtures("evidence_folder")


@pytest.fixture
def case(cast: Cast) -> Any:
    return make_request(cast, state=State.AWAITING_EVIDENCE)


@pytest.mark.parametrize("name", REFUSED)
def test_file_is_refused_and_the_case_is_as_before(api: Api, cast: Cast, case: Any, name: str) -> None:
    sent = CORPUS[name]
    before = state_of(case)
    response = send(api.sign_in(cast.buyer), case, sent.make(), name=sent.name)
    assert problem_of(response) == (STATUS.get(sent.answer, 422), sent.answer)
    assert response.json()["pointer"] == "/file"
    assert state_of(case) == before


@pytest.mark.parametrize("name", TAKEN)
def test_file_is_taken_and_shows_nothing_but_what_it_shows(
    api: Api, cast: Cast, case: Any, name: str
) -> None:
    sent = CORPUS[name]
    original = sent.make()
    buyer = api.sign_in(cast.buyer)
    response = send(buyer, case, original, name=sent.name)
    assert response.status_code == 201, response.json()
    assert response.json()["state"] == State.MANUAL_REVIEW  # what was waited for is there
    shown = buyer.get(f"/api/v1/refund-requests/{case.number}/").json()["evidence"][0]
    assert shown["media_type"] == sent.becomes
    assert shown["original_sha256"] == hashlib.sha256(original).hexdigest()
    kept = b"".join(buyer.get(shown["url"]).streaming_content)
    assert (len(kept), hashlib.sha256(kept).hexdigest()) == (shown["size"], shown["sha256"])
    assert not [hidden for hidden in HIDDEN if hidden in kept]
    CHECKS[sent.becomes](kept)


def _is_plain_image(form: str) -> Any:
    def check(kept: bytes) -> None:
        with Image.open(io.BytesIO(kept)) as image:
            image.load()
            assert image.format == form
            assert image.mode in ("L", "RGB", "RGBA")
            assert not image.getexif()
            assert set(image.info) <= OF_THE_FORMAT
        evidence = Evidence.objects.get()
        assert {evidence.width, evidence.height} == {120, 160}
        with files().open(small_key(evidence.key)) as small:
            assert not Image.open(small).getexif()

    return check


def _is_plain_pdf(kept: bytes) -> None:
    reader = PdfReader(io.BytesIO(kept), strict=True)
    assert len(reader.pages) == Evidence.objects.get().pages
    assert reader.metadata is None
    assert set(reader.root_object) == {"/Type", "/Pages"}
    assert "/ID" not in reader.trailer


def _is_plain_film(kept: bytes) -> None:
    assert kept[4:8] == b"ftyp"
    assert kept.count(b"PICTURES") == 64
    assert not [box for box in (b"udta", b"uuid", b"\xa9xyz", (3_800_000_000).to_bytes(4)) if box in kept]


CHECKS = {
    "image/png": _is_plain_image("PNG"),
    "image/jpeg": _is_plain_image("JPEG"),
    "image/webp": _is_plain_image("WEBP"),
    "application/pdf": _is_plain_pdf,
    "video/mp4": _is_plain_film,
}


def test_offsets_into_a_film_stay_right(api: Api, cast: Cast, case: Any) -> None:
    original = CORPUS["mp4 with a place"].make()
    send(api.sign_in(cast.buyer), case, original)
    with files().open(Evidence.objects.get().key) as file:
        kept = file.read()
    assert len(kept) == len(original)
    assert kept.index(b"PICTURES") == original.index(b"PICTURES")


def test_picture_is_turned_the_way_it_was_held(api: Api, cast: Cast, case: Any) -> None:
    assert send(api.sign_in(cast.buyer), case, jpeg(exif=exif(6))).status_code == 201
    evidence = Evidence.objects.get()
    assert (evidence.width, evidence.height) == (120, 160)
    with files().open(evidence.key) as file, Image.open(file) as kept:
        upright = scene().transpose(Image.Transpose.ROTATE_270)
        for place in ((10, 10), (110, 10), (10, 150), (110, 150)):
            there, expected = kept.getpixel(place), upright.getpixel(place)
            assert all(abs(a - b) < 24 for a, b in zip(there, expected, strict=True)), place


def test_sixteen_bits_keep_their_shades(api: Api, cast: Cast, case: Any) -> None:
    grey = Image.new("I;16", (160, 120), 40_000)
    out = io.BytesIO()
    grey.save(out, "PNG")
    assert send(api.sign_in(cast.buyer), case, out.getvalue()).status_code == 201
    with files().open(Evidence.objects.get().key) as file, Image.open(file) as kept:
        assert kept.getpixel((5, 5)) == 40_000 // 256


@pytest.mark.parametrize(("name", "shown"), NAMES.items(), ids=range(len(NAMES)))
def test_name_is_made_harmless(api: Api, cast: Cast, case: Any, name: str, shown: str) -> None:
    buyer = api.sign_in(cast.buyer)
    response = send(buyer, case, name=name)
    assert response.status_code == 201, response.json()
    evidence = Evidence.objects.get()
    assert evidence.name == shown
    assert name not in evidence.key
    url = buyer.get(f"/api/v1/refund-requests/{case.number}/").json()["evidence"][0]["url"]
    sent_back = buyer.get(url)["Content-Disposition"]
    assert sent_back.startswith("inline; ")
    assert "\n" not in sent_back
    assert "\u202e" not in sent_back


@pytest.mark.parametrize("name", ["..", "/", ""])
def test_file_without_any_name_is_an_error_of_the_form(api: Api, cast: Cast, case: Any, name: str) -> None:
    before = state_of(case)
    response = send(api.sign_in(cast.buyer), case, name=name)
    assert problem_of(response) == (400, "validation_error")
    assert response.json()["errors"][0]["pointer"] == "/file"
    assert state_of(case) == before
