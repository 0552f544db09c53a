"""The ground every test stands on: a PostgreSQL of their own, a clean start, and a small cast.

Tests run against the embedded PostgreSQL under var/test, unless DATA_DIR or DATABASE_URL says otherwise. Workers
of one run share the server and have a database each; a second run beside the first takes other databases.
Databases are kept between runs under a name made from the migrations, so that a changed one gets a new database.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from tests import groups, testbed

testbed.prepare(Path(__file__).resolve().parent.parent)  # before Django reads its settings

import django  # noqa: E402
from django.conf import settings as django_settings  # noqa: E402

django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
django_settings.WHITENOISE_AUTOREFRESH = (
    True  # looks a static file up when it is asked for, not all for each client
)
django_settings.INSTALLED_APPS = [*django_settings.INSTALLED_APPS, "zeal"]
# Each request of a test is watched by itself for the same query made in a loop.
django_settings.MIDDLEWARE = ["zeal.middleware.zeal_middleware", *django_settings.MIDDLEWARE]
django_settings.ZEAL_NPLUSONE_THRESHOLD = 3

django.setup()

from tests.browsers import _chromium, browser  # noqa: E402
from tests.people import api, cast  # noqa: E402

__all__ = ["_chromium", "api", "browser", "cast"]

LONGEST = ("tests/live/", "tests/simulation/", "tests/fuzz/")


@pytest.fixture(scope="session")
def django_db_modify_db_settings_parallel_suffix(request: pytest.FixtureRequest) -> None:
    """Name the database after the migrations, and the worker's after the worker."""
    from django.db import connections

    name = testbed.database_name()
    worker = getattr(request.config, "workerinput", {}).get("workerid")
    connections["default"].settings_dict.setdefault("TEST", {})["NAME"] = (
        f"{name}_{worker}" if worker else name
    )


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Begin with an empty database even where the run before this one was killed."""
    from django.core.management import call_command

    testbed.allow_flush()
    with django_db_blocker.unblock():
        testbed.drop_outdated_databases()
        call_command("flush", interactive=False, verbosity=0)


@pytest.fixture(autouse=True)
def _clean_caches() -> Iterator[None]:
    testbed.forget_cached_rows()
    yield
    testbed.forget_cached_rows()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest begin, so that no worker is left with one when the other has nothing to do."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_runtest_setup(item: pytest.Item) -> None:
    groups.skip_or_fail(item)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    groups.list_not_run(terminalreporter)
