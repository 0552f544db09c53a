"""Production refuses to start half-configured, and says what to do."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django import Settings

from marketplace.checks import production_settings

KEY = base64.b64encode(b"k" * 32).decode()
SAFE = {
    "EMBEDDED": False,
    "SECRET_KEY": "s" * 50,
    "FIELD_KEYS": [f"k2:{KEY}", f"k1:{KEY}"],
    "FINGERPRINT_KEY": KEY,
    "ALLOWED_HOSTS": ["refunds.example.com"],
    "CELERY_BROKER_URL": "redis://broker/0",
    "CACHES": {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://cache"}
    },
    "SANDBOX_ANSWERS_FOR": [],
    "ALLOW_SANDBOX": False,
    "STAFF_MFA": "required",
}


def found(settings: Settings, **changed: object) -> list[str]:
    for name, value in {**SAFE, **changed}.items():
        setattr(settings, name, value)
    return [str(message.id) for message in production_settings()]


def test_a_safe_production_passes(settings: Settings) -> None:
    assert found(settings) == []


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("SECRET_KEY", "", "recourse.E001"),
        ("SECRET_KEY", "short", "recourse.E001"),
        ("FIELD_KEYS", [], "recourse.E002"),
        ("FIELD_KEYS", [f"k1:{KEY}", f"k1:{KEY}"], "recourse.E003"),
        ("FIELD_KEYS", ["k1:not base64"], "recourse.E004"),
        ("FIELD_KEYS", [f"k1:{KEY[:20]}"], "recourse.E004"),
        ("FIELD_KEYS", [KEY], "recourse.E004"),
        ("FINGERPRINT_KEY", "", "recourse.E005"),
        ("ALLOWED_HOSTS", [], "recourse.E006"),
        ("ALLOWED_HOSTS", ["*"], "recourse.E006"),
        ("CELERY_BROKER_URL", "filesystem://", "recourse.E007"),
        ("SANDBOX_ANSWERS_FOR", ["alipay"], "recourse.E008"),
        ("STAFF_MFA", "offered", "recourse.E009"),
        ("STAFF_MFA", "", "recourse.E009"),
    ],
)
def test_an_unsafe_setting_is_an_error(settings: Settings, name: str, value: object, error: str) -> None:
    assert found(settings, **{name: value}) == [error]


def test_a_sandbox_named_explicitly_is_allowed(settings: Settings) -> None:
    assert found(settings, SANDBOX_ANSWERS_FOR=["alipay"], ALLOW_SANDBOX=True) == []


def test_the_embedded_setup_is_not_held_to_it(settings: Settings) -> None:
    assert found(settings, EMBEDDED=True, SECRET_KEY="") == []


def test_up_refuses_to_start_unsafe_and_lists_why() -> None:
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "EMBEDDED": "0", "BROKER_URL": "filesystem://", "PORT": "1"}
    command = [sys.executable, "manage.py", "up"]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=60)

    assert done.returncode == 1
    for code in ("E001", "E002", "E005", "E006", "E007"):
        assert f"recourse.{code}" in done.stderr
    assert "Traceback" not in done.stderr
