"""Who tries drafts."""

from collections.abc import Callable

import pytest
from django.test import Client

from marketplace.identity.models import User
from tests import terms
from tests.desk.conftest import signed_in
from tests.people import Cast

__all__ = ["signed_in"]


@pytest.fixture
def editor(cast: Cast) -> User:
    return terms.editor()


@pytest.fixture
def desk(editor: User, signed_in: Callable[[User], Client]) -> Client:
    """The editor's browser."""
    return signed_in(editor)
