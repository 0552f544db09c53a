"""Whole cases, told over HTTP from the shop's push to the books."""

import pytest

# What a helper finds wrong is shown with its values, as in a test.
pytest.register_assert_rewrite("tests.stories.sides", "tests.stories.story")
