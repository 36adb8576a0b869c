"""Telling people of what happened: what its tests share."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.telling.receivers import MailServer

ADDRESS = "https://desk.example.com"


@pytest.fixture
def mail(settings: Settings) -> Iterator[MailServer]:
    """A mail server that the product hands its letters to."""
    server = MailServer()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_TIMEOUT = 1
    settings.OAUTH = {**settings.OAUTH, "ADDRESS": ADDRESS}
    settings.TELLING = {**settings.TELLING, "SENDS_MAIL": True, "PAUSES": [0.0, 0.0]}
    yield server
    server.close()
