"""Webhooks go only to where they may go, whatever leads elsewhere."""

import pytest
from pytest_django import Settings

from instances import hosts
from instances.cloud_elements.posting import post
from instances.models import (
    DeliveryTry,
    Instance,
    NoticeKind,
)
from instances.secret import Secret
from tests.hostile_addresses import disguises, schemes, spellings
from tests.telling.conftest import AddHook
from tests.telling.receivers import Receiver
from tests.telling.steps import note, try_once

pytestmark = pytest.mark.django_db(transaction=True)

# Words for tries of which no byte left.
UNSENT = ("policy", "address", "dns", "unsendable")


def test_nothing_goes_to_where_it_may_not_go_any_more(
    receiver: Receiver, add_hook: AddHook, active: Instance, settings: Settings
) -> None:
    add_hook()
    settings.TELLING = {**settings.TELLING, "WEBHOOK_HOSTS": "*"}
    note(active, NoticeKind.FAILED)
    try_once()
    assert receiver.taken == []
    assert DeliveryTry.objects.get().problem == "policy"


def test_a_public_name_that_leads_inside_is_not_called(
    receiver: Receiver, add_hook: AddHook, active: Instance
) -> None:
    webhook, _ = add_hook(url=Secret("https://localhost/hook"))
    note(active, NoticeKind.FAILED)
    try_once()
    assert DeliveryTry.objects.get().problem == "address"
    assert webhook.shown_url == "https://localhost/hook"


@pytest.mark.parametrize(
    ("listed", "url", "is_allowed"),
    [
        ("*", "https://hooks.example.com/a?b=c", True),
        ("*", "https://hooks.example.com:8443/a", False),
        ("*", "http://hooks.example.com/a", False),
        ("", "https://hooks.example.com/a", False),
        ("hooks.example.com:8443", "https://hooks.example.com:8443/a", True),
        ("http://10.0.0.1:80", "http://10.0.0.1/a", True),
        ("*", "https://user:password@hooks.example.com/", False),
        ("*", "https://hooks.example.com/#x", False),
        ("*", "https://hooks.example.com/ a", False),
        ("*", "https://[::1]/a", False),
        ("*", "ftp://hooks.example.com/a", False),
        ("*", "", False),
    ],
)
@pytest.mark.once
def test_where_a_webhook_may_go(
    settings: Settings, listed: str, url: str, is_allowed: bool
) -> None:
    settings.TELLING = {**settings.TELLING, "WEBHOOK_HOSTS": listed}
    try:
        hosts.check_webhook(url)
    except hosts.HostRefusedError:
        assert not is_allowed
    else:
        assert is_allowed


@pytest.mark.once
def test_no_spelling_of_an_inner_address_is_called(settings: Settings) -> None:
    settings.TELLING = {**settings.TELLING, "WEBHOOK_HOSTS": "*"}
    spelled = [f"https://{one}/" for one in spellings("127.0.0.1")]
    for url in [*spelled, *disguises("169.254.169.254"), *schemes()]:
        posted = post(Secret(url), "{}", {}, seconds=2.0)
        assert (posted.status, posted.problem in UNSENT) == (None, True), url
