"""What a browser forgives in silence."""

import re
from pathlib import Path

import pytest
from django.conf import settings

SHEETS = sorted((Path(settings.BASE_DIR) / "static").glob("[!v]*/*.css"))


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_every_block_of_a_stylesheet_ends(sheet: Path) -> None:
    """One brace too few, and all that follows holds on narrow screens alone, or nowhere."""
    depth = 0
    for number, line in enumerate(re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.S).splitlines(), 1):
        assert not (depth and line and line[0] in ".@"), f"line {number} begins inside another block"
        depth += line.count("{") - line.count("}")
        assert depth >= 0, f"line {number} ends what was never begun"
    assert depth == 0
