"""A worker dies around the request that carries a code: the code goes out once, and nothing is lost."""

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import Settings

from instances.models import Consent, Instance, InstanceStatus, Operation, Organization
from sandbox.running import Account
from tests.cases import posts
from tests.ceremonies import ADDRESS, come_back, decide, leave, offer, work
from tests.workers import Worker, wait_for

pytestmark = [
    pytest.mark.processes,
    pytest.mark.production,
    pytest.mark.django_db(transaction=True),
]

APPLICATION = {"oauth.api.key": "client-of-ours", "oauth.api.secret": "its-long-secret"}


@pytest.fixture
def returned(
    settings: Settings,
    ask: Callable[..., Instance],
    organization: Organization,
    signed_in: Client,
) -> Instance:
    """Somebody has come back from the provider, and no worker has taken it up yet."""
    settings.OAUTH = {"ADDRESS": ADDRESS, "CONSENT_SECONDS": 1800.0}
    offer(organization, "sfdc", "oauth2")
    instance = ask(element_key="sfdc", configuration=APPLICATION)
    work()
    come_back(signed_in, decide(leave(signed_in, instance)))
    return instance


@pytest.mark.parametrize("step", ["connected", "code erased", "intended"])
def test_worker_that_dies_before_the_bytes_sends_nothing_unseen(
    step: str, start: Callable[..., Worker], returned: Instance, account: Account, signed_in: Client
) -> None:
    """Before the code is erased it is kept for the next worker; afterwards the person is asked again."""
    start(step).wait()
    assert posts(account) == 0
    start()
    if step != "connected":
        wait_for(lambda: Operation.objects.get().problem == "spent")
        assert Instance.objects.get().status == InstanceStatus.BLOCKED
        come_back(signed_in, decide(leave(signed_in, returned)))
    wait_for(lambda: Instance.objects.get().status == InstanceStatus.ACTIVE)
    assert (posts(account), len(account.instances())) == (1, 1)
    assert (Consent.objects.get().way, Consent.objects.get().answer) == ("", "")


@pytest.mark.parametrize("step", ["answer begun", "answered", "evidence saved"])
def test_worker_that_dies_after_the_bytes_finds_the_instance(
    step: str, start: Callable[..., Worker], returned: Instance, account: Account
) -> None:
    start(step).wait()
    start()
    wait_for(lambda: Instance.objects.get().status == InstanceStatus.ACTIVE)
    assert (posts(account), len(account.instances())) == (1, 1)
    assert Instance.objects.get().remote_id == account.only_instance()["id"]
