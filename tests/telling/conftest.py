"""Telling people of what happened: what its tests share."""

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from instances import operations
from instances.models import HOOKED, Organization, Role, Webhook, WebhookShape
from instances.secret import Secret
from tests.telling.receivers import MailServer, Receiver

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


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    """A receiver that webhooks may go to, on a private address."""
    server = Receiver()
    settings.OAUTH = {**settings.OAUTH, "ADDRESS": ADDRESS}
    settings.TELLING = {
        **settings.TELLING,
        "WEBHOOK_HOSTS": f"*,http://127.0.0.1:{server.port}",
        "WEBHOOK_SECONDS": 1.0,
        "PAUSES": [0.0, 0.0],
    }
    yield server
    server.close()


@pytest.fixture
def admin(member: Callable[..., User]) -> User:
    """An admin of the organization."""
    return member(Role.ADMIN, "ada")


AddHook = Callable[..., tuple[Webhook, Secret | None]]


@pytest.fixture
def add_hook(receiver: Receiver, organization: Organization, admin: User) -> AddHook:
    """Add a webhook to the receiver."""

    def add(shape: WebhookShape = WebhookShape.SIGNED, **changes: object) -> object:
        asked = {"name": f"Hook {shape}", "kinds": [kind.value for kind in HOOKED]}
        url = Secret(receiver.url())
        wish = {**asked, "url": url, "shape": shape, **changes}
        return operations.add_webhook(actor=admin, organization=organization, **wish)  # type: ignore[arg-type]  # a test's own wish

    return add  # type: ignore[return-value]  # as the operation returns
