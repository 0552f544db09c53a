"""A running program for a test, stopped and removed at its end."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .stack import Stack


@pytest.fixture
def start() -> Iterator[Callable[..., Stack]]:
    """start(BROKER_URL=..., ...) -> a ready Stack; stopped and removed at the end."""
    data_dir = Path(tempfile.mkdtemp(prefix="recourse-"))
    data_dir.chmod(0o755)
    stacks: list[Stack] = []

    def starter(**environment: str) -> Stack:
        stack = Stack(data_dir, environment)
        stacks.append(stack)
        stack.until(stack.is_ready)
        return stack

    try:
        yield starter
    finally:
        for stack in stacks:
            stack.stop()
        shutil.rmtree(data_dir, ignore_errors=True)
