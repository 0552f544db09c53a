"""What is logged, and how it looks: one line an event, key=value on a laptop, JSON in production."""

from typing import Any

import structlog


def logging(level: str) -> dict[str, Any]:
    """Django's LOGGING. A level of INFO shows each request."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "plain": {"format": "%(levelname)s %(name)s: %(message)s"},
            "bare": {"format": "%(message)s"},
        },
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "plain"},
            "events": {"class": "logging.StreamHandler", "formatter": "bare"},
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # A refused request is the client's news; the server's own errors are logged with their cause.
            "django_structlog": {
                "handlers": ["events"],
                "level": "ERROR" if level == "WARNING" else level,
                "propagate": False,
            },
            "django.request": {"level": "ERROR"},
        },
    }


def configure_events(*, is_laptop: bool) -> None:
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=False) if is_laptop else structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
