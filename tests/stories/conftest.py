from collections.abc import Iterator

import pytest

from tests.evidence import evidence_folder
from tests.people import Cast
from tests.terms import publish

from .story import Story, at
from .wall import wall_from

__all__ = ["evidence_folder"]


@pytest.fixture
def story(transactional_db: None, evidence_folder: object, request: pytest.FixtureRequest) -> Iterator[Story]:
    """It begins on Monday, 2 March 2026, at nine; the cast is made then, and terms with a commission of 2.5 % hold."""
    with wall_from(at(2, 9)) as wall:
        cast: Cast = request.getfixturevalue("cast")
        for goods_type in ("card_code", "direct_topup"):
            publish(goods_type, commission_bps=250)
        yield Story(wall, cast)
