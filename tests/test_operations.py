"""What people ask for: recorded whole or not at all, once, and with its audit."""

import base64
import json
import uuid
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from instances import hosts, operations, vault
from instances.access import NotAllowedError
from instances.hosts import HostRefusedError
from instances.models import (
    AuditEntry,
    Candidate,
    Instance,
    Operation,
    OperationSecret,
    OperationState,
    Organization,
    Role,
)
from instances.operations import (
    MissingEntriesError,
    RequestReusedError,
    SecretPair,
    SecretsNeededError,
)
from instances.secret import Secret
from instances.vault import Purpose, keyring
from tests.conftest import RING
from tests.states import put_in_state

Ask = Callable[..., Instance]
TYPED = {"zuorav2.sandbox": True, "username": "u", "password": "p"}
NOTHING = SecretPair(Secret(""), Secret(""))


@pytest.mark.django_db
def test_wish_is_written_whole(ask: Ask, operator: User) -> None:
    instance = ask()
    operation = Operation.objects.get()
    assert (operation.instance, operation.requester) == (instance, operator)
    assert operation.payload["tags"] == ["billing", operation.tag]
    assert OperationSecret.objects.get().sealed.startswith("ce1.")
    assert AuditEntry.objects.get().action == "instance.requested"


@pytest.mark.django_db
def test_payload_holds_no_configuration_value(ask: Ask) -> None:
    ask()
    assert Operation.objects.get().payload["configuration_keys"] == [
        "zuorav2.sandbox",
        "username",
        "password",
    ]


@pytest.mark.django_db
def test_doorbell_rings_only_after_the_commit(
    ask: Ask, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks() as rung:
        ask()
        assert rung == []
    assert len(rung) == 1


@pytest.mark.django_db
def test_same_form_sent_twice_is_one_operation(ask: Ask) -> None:
    same = uuid.uuid4()
    assert ask(client_request_id=same) == ask(client_request_id=same)
    assert Operation.objects.count() == Instance.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [{"name": "changed"}, {"tag_names": []}, {"configuration": TYPED | {"password": "q"}}],
)
def test_a_request_id_used_for_something_else_is_refused(
    ask: Ask, change: dict[str, object]
) -> None:
    same = uuid.uuid4()
    first = ask(client_request_id=same, configuration=TYPED)
    with pytest.raises(RequestReusedError) as refused:
        ask(**{"client_request_id": same, "configuration": TYPED} | change)
    assert refused.value.instance == first
    assert Operation.objects.count() == 1


@pytest.mark.django_db
def test_a_request_id_is_recognized_after_the_keys_were_rotated(
    ask: Ask, settings: Settings
) -> None:
    same = uuid.uuid4()
    first = ask(client_request_id=same)
    keys = json.loads(RING)["keys"] | {"t2": base64.b64encode(b"u" * 32).decode()}
    settings.VAULT = {"KEYRING": json.dumps({"primary": "t2", "keys": keys}), "KEYRING_FILE": ""}
    keyring.ring.cache_clear()
    assert ask(client_request_id=same) == first


@pytest.mark.django_db(transaction=True)
def test_same_form_sent_at_the_same_time_is_one_operation(ask: Ask) -> None:
    same, start, made = uuid.uuid4(), Barrier(6), []

    def send() -> None:
        start.wait()
        made.append(ask(client_request_id=same).pk)
        connection.close()

    senders = [Thread(target=send) for _ in range(6)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert len(made) == 6
    assert len(set(made)) == Operation.objects.count() == 1


@pytest.mark.django_db
def test_missing_entries_are_named_all_at_once(ask: Ask) -> None:
    with pytest.raises(MissingEntriesError) as refusal:
        ask(configuration={"authentication.type": "custom"})
    assert refusal.value.entries == ["zuorav2.sandbox", "clientId", "clientSecret"]
    assert not Instance.objects.exists()


@pytest.mark.django_db
def test_viewer_may_not_create(ask: Ask, member: Callable[..., User]) -> None:
    with pytest.raises(NotAllowedError):
        ask(requester=member(Role.VIEWER))


@pytest.mark.django_db
def test_token_is_recorded_before_it_is_handed_out(ask: Ask, operator: User) -> None:
    instance = ask()
    put_in_state(instance, OperationState.SUCCEEDED)
    instance.refresh_from_db()
    assert operations.reveal_token(actor=operator, instance=instance).reveal()
    assert AuditEntry.objects.filter(action="token.revealed", actor=operator).count() == 1


@pytest.mark.django_db(transaction=True)
def test_without_an_audit_entry_no_token(ask: Ask, operator: User) -> None:
    instance = ask()
    put_in_state(instance, OperationState.SUCCEEDED)
    instance.refresh_from_db()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE instances_auditentry RENAME TO instances_auditentry_away")
    try:
        with pytest.raises(Exception, match="instances_auditentry"):
            operations.reveal_token(actor=operator, instance=instance)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE instances_auditentry_away RENAME TO instances_auditentry")


def change(organization: Organization, actor: User, **changes: object) -> Organization:
    """Change an organization as its form does; what is not said stays."""
    asked: dict[str, Any] = {
        "actor": actor,
        "organization": organization,
        "name": organization.name,
        "base_url": organization.base_url,
        "environment_label": "",
        "is_active": True,
        "secrets": NOTHING,
    }
    return operations.change_organization(**{**asked, **changes})


@pytest.mark.django_db
def test_another_origin_needs_both_secrets_again(
    organization: Organization, member: Callable[..., User], pair: SecretPair
) -> None:
    admin = member(Role.ADMIN)
    with pytest.raises(SecretsNeededError):
        change(organization, admin, base_url="api.cloud-elements.com")
    change(organization, admin, base_url="api.cloud-elements.com", secrets=pair)
    new = Candidate.objects.get()
    opened = vault.open_sealed(new, "user_secret", purpose=Purpose.CHECK)
    assert opened.reveal() == "typed-user-secret"
    assert new.base_url == "https://api.cloud-elements.com/elements/api-v2"
    assert Organization.objects.get().base_url == organization.base_url


@pytest.mark.django_db
def test_one_secret_alone_is_refused(
    organization: Organization, member: Callable[..., User]
) -> None:
    with pytest.raises(SecretsNeededError):
        change(organization, member(Role.ADMIN), secrets=SecretPair(Secret("one"), Secret("")))


@pytest.mark.django_db
def test_operator_may_not_change_the_organization(
    organization: Organization, operator: User, pair: SecretPair
) -> None:
    with pytest.raises(NotAllowedError):
        change(organization, operator, secrets=pair)


HOSTILE = [
    "http://api.cloud-elements.com",
    "https://user@api.cloud-elements.com",
    "https://api.cloud-elements.com@attacker.example",
    "https://attacker.example/api.cloud-elements.com",
    "https://api.cloud-elements.com:8443",
    "https://api.cloud-elements.com/?x",
    "https://api.cloud-elements.com/#x",
    "https://api.cloud-elements.com/../x",
    "https://api.cloud-elements.com\\@attacker.example",
    "https://127.0.0.1",
    "https://[::1]",
    "https://2130706433",
    "https://api.cloud-elements.com.",
    "https://\u0430pi.cloud-elements.com",
    "ftp://api.cloud-elements.com",
    "file:///etc/passwd",
    "https://",
    "https://api.cloud-elements.com:99999",
    "java script:alert(1)",
    "",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_base_url_is_refused(text: str) -> None:
    with pytest.raises(HostRefusedError):
        hosts.normalize(text)


@pytest.mark.parametrize(
    "text",
    [
        "api.cloud-elements.com",
        "https://api.cloud-elements.com/",
        " HTTPS://API.cloud-elements.com/elements/api-v2/ ",
        "https://api.cloud-elements.com:443/elements/api-v2",
    ],
)
def test_base_url_has_one_form(text: str) -> None:
    assert hosts.normalize(text) == "https://api.cloud-elements.com/elements/api-v2"


@pytest.mark.parametrize("entry", ["http://", "a b", "https://x/path", "ftp://x", "x:y", "u@x"])
def test_a_host_list_that_cannot_be_read_allows_nothing(entry: str, settings: Settings) -> None:
    with pytest.raises(hosts.HostListError):
        hosts.allowed_hosts(f"good.example,{entry}")


@pytest.mark.django_db
def test_a_rename_by_somebody_who_read_it_earlier_keeps_new_secrets_waiting(
    organization: Organization, member: Callable[..., User], pair: SecretPair
) -> None:
    admin = member(Role.ADMIN)
    stale = Organization.objects.get(pk=organization.pk)
    change(organization, admin, secrets=pair)
    renamed = change(stale, admin, name="Renamed")
    opened = vault.open_sealed(Candidate.objects.get(), "user_secret", purpose=Purpose.CHECK)
    assert opened.reveal() == "typed-user-secret"
    assert renamed.name == "Renamed"


@pytest.mark.django_db
def test_a_switched_off_organization_takes_no_wish(ask: Ask, organization: Organization) -> None:
    organization.is_active = False
    with pytest.raises(NotAllowedError):
        ask()
