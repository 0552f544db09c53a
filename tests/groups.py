"""Groups of tests that need more than Python: run where it is found, else listed by name, or failed in CI."""

import os
import shutil
import socket
from collections import defaultdict
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/15")
RABBITMQ_URL = os.environ.get("TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//")


def chromium() -> str | None:
    """The browser's path."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 0), timeout=1):
            return True
    except OSError:
        return False


# Marker: (what it needs, is it there).
GROUPS: dict[str, tuple[str, Callable[[], object]]] = {
    "browser": ("Chromium", chromium),
    "redis": (f"Redis at {REDIS_URL}", lambda: _answers(REDIS_URL)),
    "rabbitmq": (f"RabbitMQ at {urlsplit(RABBITMQ_URL).hostname}", lambda: _answers(RABBITMQ_URL)),
}


def skip_or_fail(item: pytest.Item) -> None:
    """REQUIRE_GROUPS=browser,redis names the groups whose absence is a failure."""
    required = os.environ.get("REQUIRE_GROUPS", "").split(",")
    for name, (need, is_there) in GROUPS.items():
        if item.get_closest_marker(name) and not is_there():
            if name in required:
                pytest.fail(f"{need} is required here and was not found", pytrace=False)
            pytest.skip(f"group {name}: {need} was not found")


def list_not_run(reporter: pytest.TerminalReporter) -> None:
    missing = defaultdict(list)
    for report in reporter.stats.get("skipped", []):
        for name in GROUPS:
            if isinstance(report.longrepr, tuple) and f"Skipped: group {name}:" in report.longrepr[2]:
                missing[name].append(report.nodeid)
    for name, tests in missing.items():
        reporter.section(f"not run: group {name} ({GROUPS[name][0]} was not found)")
        for test in sorted(tests):
            reporter.write_line(test)
