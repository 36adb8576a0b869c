"""Logging: one JSON line per event, nothing that looks like a secret."""

import logging
import logging.config
import re
from collections.abc import MutableMapping
from typing import Any

import structlog

MASK = "********"
SECRET_NAME = re.compile(r"secret|password|passwd|token|authorization|cookie|keyring", re.I)
SECRET_TEXT = re.compile(r"\b(User|Organization|Element|Bearer|Basic)\s+[A-Za-z0-9+/=_\-.]{12,}")


def redact(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Mask values under secret-looking names, and authorization parts inside any text."""
    for name, value in event.items():
        if SECRET_NAME.search(name):
            event[name] = MASK
        elif isinstance(value, str):
            event[name] = SECRET_TEXT.sub(rf"\1 {MASK}", value)
    return event


def name_refusal(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Name what a visitor's request was refused for; where our code was by then tells nothing."""
    is_refusal = event.get("logger") == "django.request" and event.get("level") == "warning"
    if is_refusal and (found := event.pop("exc_info", None)):
        error = found[1] if isinstance(found, tuple) else found
        event["error"] = type(error).__name__
    return event


# Each request line is the proxy's to log; a library's debug output may hold bodies.
QUIET = (
    # Its debug output is what a template had to work with: tokens, form proofs.
    "django.template",
    "django.server",
    "urllib3",
    "requests",
    "celery.worker.strategy",
    "celery.app.trace",
)


def logging_config(*, level: str, is_readable: bool) -> None:
    """Send every logger, ours and the libraries', through one formatter to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_refusal,
        structlog.processors.format_exc_info,
        redact,
    ]
    render = (
        structlog.dev.ConsoleRenderer(colors=False)
        if is_readable
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        # Leaves out early what the level leaves out: else every line is made before it is dropped.
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": [structlog.stdlib.ExtraAdder(), *shared],
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"events": formatter},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "events"}},
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": {name: {"level": "WARNING"} for name in QUIET},
        }
    )
