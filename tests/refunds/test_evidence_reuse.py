"""The same or a similar picture in another case raises a flag, on both sides, and decides nothing (D4)."""

import itertools
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image, ImageEnhance

from refunds.evidence.similar import FLIPS, NEAR, bands, dhash, distance
from refunds.evidence_reuse import reused
from refunds.machine import State
from refunds.models import Evidence
from tests.cases import make_request
from tests.evidence import give
from tests.people import Cast
from tests.refunds.hostile.parts import pdf, png, saved, scene

pytestmark = pytest.mark.usefixtures("evidence_folder")


@pytest.fixture
def cases(cast: Cast) -> Any:
    return [make_request(cast, state=State.MANUAL_REVIEW) for _number in range(2)]


def _alike(seed: int = 0) -> bytes:
    """The same picture, made smaller, lighter, and saved as something else."""
    smaller = scene(seed=seed).resize((120, 90))
    return saved(ImageEnhance.Brightness(smaller).enhance(1.05), "JPEG", quality=70)


@pytest.mark.parametrize("data", [png(), pdf()])
def test_same_file_in_another_case_is_flagged_in_both(cast: Cast, cases: Any, data: bytes) -> None:
    one, two = give(cases[0], cast.reviewer, data), give(cases[1], cast.reviewer, data)
    assert [(reuse.number, reuse.is_exact) for reuse in reused(cases[0].pk)[one.pk]] == [
        (cases[1].number, True)
    ]
    assert [(reuse.number, reuse.is_exact) for reuse in reused(cases[1].pk)[two.pk]] == [
        (cases[0].number, True)
    ]


def test_same_picture_with_other_metadata_is_the_same(cast: Cast, cases: Any) -> None:
    one = give(cases[0], cast.reviewer, png())
    give(cases[1], cast.reviewer, png() + b"trailer")
    assert reused(cases[0].pk)[one.pk][0].is_exact


def test_picture_that_looks_alike_is_flagged_with_its_distance(cast: Cast, cases: Any) -> None:
    one = give(cases[0], cast.reviewer, png())
    give(cases[1], cast.reviewer, _alike())
    flag = reused(cases[0].pk)[one.pk][0]
    assert not flag.is_exact
    assert 0 <= flag.distance <= NEAR
    assert flag.same_buyer


def test_other_pictures_and_the_same_case_are_not_flagged(cast: Cast, cases: Any) -> None:
    give(cases[0], cast.reviewer, png(1))
    give(cases[0], cast.reviewer, png(1), kind="other")
    give(cases[1], cast.reviewer, png(2))
    assert reused(cases[0].pk) == {}


def test_flat_pictures_look_like_nothing(cast: Cast, cases: Any) -> None:
    for case, shade in zip(cases, (200, 210), strict=True):
        give(case, cast.reviewer, saved(Image.new("RGB", (90, 80), (shade, 0, 0)), "PNG"))
    assert list(Evidence.objects.values_list("dhash", flat=True)) == [None, None]
    assert reused(cases[0].pk) == {}


def test_flag_moves_nothing(cast: Cast, cases: Any) -> None:
    for case in cases:
        give(case, cast.reviewer)
    states = [(case.state, case.sequence) for case in cases]
    for case in cases:
        case.refresh_from_db()
    assert [(case.state, case.sequence) for case in cases] == states


def test_one_query_for_a_whole_case(cast: Cast, cases: Any) -> None:
    for number in range(5):
        give(cases[0], cast.reviewer, png(number))
        give(cases[1], cast.reviewer, png(number))
    with CaptureQueriesContext(connection) as queries:
        assert len(reused(cases[0].pk)) == 5
    assert len(queries) == 1


def test_bands_find_every_hash_within_reach_and_the_law_is_tight() -> None:
    """Any up to 7 turned bits leave a band with at most one: whichever way they fall on the four."""
    base = dhash(scene())
    probes = {band ^ flip for band in bands(base) for flip in FLIPS}
    for spread in itertools.product(range(NEAR + 1), repeat=4):
        if not 0 < sum(spread) <= NEAR:
            continue
        bits = sum(((1 << count) - 1) << place * 16 for place, count in enumerate(spread))
        near = base ^ (bits - (1 << 64) if bits >> 63 else bits)
        assert distance(base, near) == sum(spread)
        assert probes & set(bands(near)), spread
    beyond = base ^ sum(0b11 << place * 16 for place in range(4))  # eight bits, two in each band
    assert not probes & set(bands(beyond))


def test_hash_of_a_png_is_the_database_own_count_of_bits(cast: Cast, cases: Any) -> None:
    one, two = give(cases[0], cast.reviewer, png()), give(cases[1], cast.reviewer, _alike())
    with connection.cursor() as cursor:
        cursor.execute("SELECT bit_count((%s::bigint # %s::bigint)::bit(64))", [one.dhash, two.dhash])
        assert cursor.fetchone()[0] == distance(one.dhash, two.dhash)


def test_reuse_is_found_by_index(cast: Cast, cases: Any) -> None:
    """The plan, asked with rows enough that reading them all would be the worse one."""
    one = give(cases[0], cast.reviewer, png())
    give(cases[1], cast.reviewer, _alike())
    _fill(cases[1].pk, cast.reviewer.pk)
    from refunds import evidence_reuse

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE refunds_evidence")
        parameters = {"request": cases[0].pk, "flips": list(FLIPS), "near": NEAR, "few": 5, "before": None}
        cursor.execute(f"EXPLAIN {evidence_reuse._SQL}", parameters)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "evidence_by_bands" in plan, plan
    assert "evidence_by_original" in plan, plan
    assert "evidence_by_kept" in plan, plan
    assert reused(cases[0].pk)[one.pk][0].number == cases[1].number


def _fill(request_id: int, user_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what waits for the commit would stand in the way
        cursor.execute("ALTER TABLE refunds_evidence DROP CONSTRAINT evidence_position_in_bounds")
        cursor.execute(
            "INSERT INTO refunds_evidence (request_id, position, kind, by, user_id, note, name, media_type, size, width,"
            " height, original_sha256, sha256, dhash, bands, key, at)"
            " SELECT %s, n, 'other', 'reviewer', %s, '', 'a.png', 'image/png', 1, 1, 1, sha256(n::text::bytea),"
            " sha256((n * 7)::text::bytea), h, ARRAY[h & 65535, 65536 + (h >> 16 & 65535), 131072 + (h >> 32 & 65535),"
            " 196608 + (h >> 48 & 65535)]::int[], 'fill-' || n, now()"
            " FROM (SELECT n, hashint8extended(n, 1) AS h FROM generate_series(10, 30000) n) s",
            [request_id, user_id],
        )
