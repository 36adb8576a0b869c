"""What a line of the log says, and what it leaves out."""

import logging
import sys

import pytest
import structlog
from django.contrib.sessions.exceptions import SessionInterrupted


def line(level: int, message: str) -> str:
    """Return the line that our handler writes of a record with the error being handled."""
    (formatter,) = {
        handler.formatter
        for handler in logging.getLogger().handlers
        if isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter)
    }
    logger = logging.getLogger("django.request")
    record = logger.makeRecord(logger.name, level, "", 0, message, (), sys.exc_info())
    return str(formatter.format(record))


@pytest.mark.parametrize(("level", "is_traced"), [(logging.WARNING, False), (logging.ERROR, True)])
def test_a_refused_request_is_one_line_and_an_error_has_its_traceback(
    level: int, is_traced: bool
) -> None:
    try:
        raise SessionInterrupted("The session was deleted meanwhile.")
    except SessionInterrupted:
        written = line(level, "Bad Request: /instances/")
    assert ("Traceback" in written) == is_traced
    assert "SessionInterrupted" in written
