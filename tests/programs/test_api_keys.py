"""Keys of programs: known by a fingerprint only, ended at once, never more than their owner."""

import base64
import json
import re
import tomllib
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from instances import access, key_text, operations, vault
from instances.models import ApiKey, AuditEntry, Membership, Organization, Role, Scope
from instances.operations import KeyRefusedError
from instances.vault import keyring
from instances.vault.rotation import KeyInUseError, retire
from tests.programs.conftest import MakeKey

pytestmark = pytest.mark.django_db
RULE = Path(__file__).parents[2] / "docs" / "operations" / "api-key-scanner.toml"
HERE = "192.0.2.7"


def know(text: str, address: str = HERE) -> ApiKey:
    return operations.know_api_key(text, address=address)


def test_a_key_is_known_again_and_kept_as_a_digest_only(make_key: MakeKey) -> None:
    key, text = make_key()
    assert know(text) == key
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM instances_apikey")
        assert text[len(key.prefix) :] not in str(cursor.fetchall())
    assert text not in str(list(AuditEntry.objects.values_list("detail", "object_name")))


def test_the_shipped_rule_finds_a_key_in_any_text_and_its_checksum_tells_it_from_chance() -> None:
    text = key_text.make().reveal()
    (rule,) = tomllib.loads(RULE.read_text())["rules"]
    assert re.findall(rule["regex"], f'curl -H "Authorization: Bearer {text}" …') == [text]
    assert key_text.prefix_of(text) == text[:14]
    wrong = text[:-1] + ("0" if text[-1] != "0" else "1")
    assert key_text.prefix_of(wrong) == ""


@pytest.mark.parametrize(
    "damage", [lambda t: t[:-1], lambda t: t + "x", lambda t: "", lambda t: "Ä"]
)
def test_what_is_no_key_is_refused(make_key: MakeKey, damage: Callable[[str], str]) -> None:
    _, text = make_key()
    with pytest.raises(KeyRefusedError):
        know(damage(text))


def test_another_key_with_its_prefix_is_refused(make_key: MakeKey) -> None:
    key, _ = make_key()
    body = key.prefix + "0" * key_text.HIDDEN
    with pytest.raises(KeyRefusedError):
        know(body + key_text.checksum(body))


def test_revoked_it_is_refused_at_once_and_that_is_recorded_once_a_minute(
    make_key: MakeKey, operator: User
) -> None:
    key, text = make_key()
    operations.revoke_api_key(actor=operator, key=key)
    for _ in range(3):
        with pytest.raises(KeyRefusedError, match="revoked"):
            know(text)
    (entry,) = AuditEntry.objects.filter(action="key.refused")
    assert (entry.result, entry.detail) == ("refused", {"reason": "revoked"})


def test_expired_it_is_refused(make_key: MakeKey) -> None:
    key, text = make_key()
    now = timezone.now()
    ApiKey.objects.filter(pk=key.pk).update(created_at=now - timedelta(days=2), expires_at=now)
    with pytest.raises(KeyRefusedError, match="expired"):
        know(text)


@pytest.mark.parametrize(
    ("address", "is_taken"),
    [
        (HERE, True),
        ("192.0.2.255", True),
        ("::ffff:192.0.2.9", True),
        ("192.0.3.1", False),
        ("", False),
    ],
)
def test_it_is_taken_from_its_networks_only(
    make_key: MakeKey, address: str, is_taken: bool
) -> None:
    key, text = make_key(networks=["192.0.2.0/24"])
    if is_taken:
        assert know(text, address) == key
    else:
        with pytest.raises(KeyRefusedError, match="address"):
            know(text, address)


def test_a_deactivated_owner_ends_it_at_once(make_key: MakeKey, operator: User) -> None:
    _, text = make_key()
    User.objects.filter(pk=operator.pk).update(is_active=False)
    with pytest.raises(KeyRefusedError, match="owner"):
        know(text)


def test_a_removed_owner_ends_it_at_once(make_key: MakeKey, operator: User) -> None:
    _, text = make_key()
    Membership.objects.filter(user=operator).delete()
    with pytest.raises(KeyRefusedError, match="owner"):
        know(text)


def test_its_last_use_is_written_at_most_once_a_minute(make_key: MakeKey) -> None:
    key, text = make_key()
    know(text)
    ApiKey.objects.filter(pk=key.pk).update(last_address="before")
    know(text)
    assert ApiKey.objects.get(pk=key.pk).last_address == "before"
    earlier = timezone.now() - timedelta(seconds=61)
    ApiKey.objects.filter(pk=key.pk).update(last_used_at=earlier)
    know(text)
    assert ApiKey.objects.get(pk=key.pk).last_address == HERE


def test_a_successor_works_beside_it_until_the_overlap_ends(
    make_key: MakeKey, operator: User
) -> None:
    key, text = make_key(operator, Scope.READ, Scope.REVEAL, networks=["192.0.2.0/24"])
    new, new_text = operations.rotate_api_key(
        actor=operator, key=key, overlap=timedelta(days=7), client_request_id=uuid.uuid4()
    )
    assert know(text) == key
    assert know(new_text.reveal()) == new
    assert (new.scopes, new.networks, new.replaces) == (key.scopes, key.networks, key)
    key.refresh_from_db()
    assert abs(key.expires_at - timezone.now() - timedelta(days=7)) < timedelta(minutes=1)
    with pytest.raises(operations.KeyOverError):
        operations.rotate_api_key(
            actor=operator, key=key, overlap=timedelta(), client_request_id=uuid.uuid4()
        )


def test_without_an_overlap_the_old_one_ends_at_once(make_key: MakeKey, operator: User) -> None:
    key, text = make_key()
    operations.rotate_api_key(
        actor=operator, key=key, overlap=timedelta(), client_request_id=uuid.uuid4()
    )
    with pytest.raises(KeyRefusedError, match="expired"):
        know(text)


def test_one_form_makes_one_key(make_key: MakeKey) -> None:
    once = uuid.uuid4()
    make_key(client_request_id=once)
    with pytest.raises(operations.KeyMadeError):
        make_key(client_request_id=once)


def test_only_its_owner_rotates_and_only_they_or_an_admin_revoke(
    make_key: MakeKey, member: Callable[..., User]
) -> None:
    key, _ = make_key()
    admin, other = member(Role.ADMIN), member(Role.OPERATOR)
    with pytest.raises(access.NotAllowedError):
        operations.rotate_api_key(
            actor=admin, key=key, overlap=timedelta(), client_request_id=uuid.uuid4()
        )
    with pytest.raises(access.NotAllowedError):
        operations.revoke_api_key(actor=other, key=key)
    operations.revoke_api_key(actor=admin, key=key)
    with pytest.raises(operations.KeyOverError):
        operations.revoke_api_key(actor=admin, key=key)


def test_nobody_makes_a_key_for_an_organization_of_others(
    make_key: MakeKey, make_user: Callable[..., User]
) -> None:
    with pytest.raises(access.NotAllowedError):
        make_key(make_user("stranger"))


def test_each_step_is_in_the_record(make_key: MakeKey, operator: User) -> None:
    key, _ = make_key(operator, Scope.READ)
    operations.rotate_api_key(
        actor=operator, key=key, overlap=timedelta(), client_request_id=uuid.uuid4()
    )
    operations.revoke_api_key(actor=operator, key=key)
    steps = AuditEntry.objects.filter(object_type="apikey").order_by("pk")
    assert list(steps.values_list("action", flat=True)) == [
        *("key.made", "key.rotated", "key.made", "key.revoked")
    ]
    assert steps[0].detail["scopes"] == ["read"]
    assert {step.organization_id for step in steps} == {key.organization_id}


def test_a_key_of_the_ring_leaves_only_when_no_api_key_is_known_by_it(
    make_key: MakeKey, settings: Settings, organization: Organization
) -> None:
    key, text = make_key()
    keys = {**keyring.ring().keys, "t2": b"u" * 32}
    keyring.ring.cache_clear()
    both = keyring.KeyRing("t2", keys)
    settings.VAULT = settings.VAULT | {"KEYRING": _as_json(both)}
    vault.rotation.reseal(both)
    with pytest.raises(KeyInUseError, match=re.escape(str(key))):
        retire("t1")
    know(text)
    retire("t1")
    assert know(text).digest.startswith("t2.")


def _as_json(ring: keyring.KeyRing) -> str:
    keys = {name: base64.b64encode(key).decode() for name, key in ring.keys.items()}
    return json.dumps({"primary": ring.primary, "keys": keys})


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("api_key_may_do_something", dict.fromkeys(("may_read", "may_write", "may_reveal"), False)),
        ("api_key_ends_after_it_begins", {"expires_at": timezone.now() - timedelta(days=400)}),
        ("api_key_is_kept_as_a_digest", {"digest": "edk_plain"}),
    ],
)
def test_the_database_refuses_what_cannot_be(
    make_key: MakeKey, rule: str, changes: dict[str, object]
) -> None:
    key, _ = make_key()
    ApiKey.objects.update(may_administer=False)
    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        ApiKey.objects.filter(pk=key.pk).update(**changes)
