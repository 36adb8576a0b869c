"""Sealed values open in their place and nowhere else; a ring that does not fit stops everything."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.apps import apps
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from instances import vault
from instances.models import Instance, OperationSecret, Organization
from instances.secret import Secret
from instances.vault import KeyRingError, Purpose, UnreadableError, keyring, rotation, sealing
from instances.vault.sealing import SealedRow
from tests.conftest import RING

pytestmark = pytest.mark.django_db


def key(letter: str) -> str:
    return base64.b64encode(letter.encode() * 32).decode()


def ring_text(primary: str, **keys: str) -> str:
    return json.dumps({"primary": primary, "keys": {name: key(v) for name, v in keys.items()}})


def use_ring(settings: Settings, text: str) -> None:
    settings.VAULT = {"KEYRING": text, "KEYRING_FILE": ""}
    keyring.ring.cache_clear()


def reveal(row: SealedRow, field: str) -> str:
    return vault.open_sealed(row, field, purpose=Purpose.CHECK).reveal()


def test_a_sealed_value_opens_again(organization: Organization) -> None:
    organization.user_secret = vault.seal(organization, "user_secret", "s3cret")
    assert organization.user_secret.startswith("ce1.t1.")
    assert reveal(organization, "user_secret") == "s3cret"


@given(st.text(max_size=300).filter(lambda text: text.isprintable()))
def test_any_text_survives(text: str) -> None:
    row = Organization(base_url="https://api.cloud-elements.com/elements/api-v2")
    keys = vault.parse_ring(RING)
    row.user_secret = sealing.seal_with(keys, row, "user_secret", text)
    assert sealing.open_with(keys, row, "user_secret") == text


def test_length_shows_only_in_steps_of_64(organization: Organization) -> None:
    lengths = {len(vault.seal(organization, "user_secret", "x" * n)) for n in range(63)}
    assert len(lengths) == 1


def test_same_value_never_looks_the_same(organization: Organization) -> None:
    assert len({vault.seal(organization, "user_secret", "x") for _ in range(50)}) == 50


def test_a_value_moved_to_another_field_does_not_open(organization: Organization) -> None:
    organization.organization_secret = organization.user_secret
    with pytest.raises(UnreadableError):
        reveal(organization, "organization_secret")


def test_a_value_moved_to_another_row_does_not_open(organization: Organization) -> None:
    other = Organization(base_url=organization.base_url, user_secret=organization.user_secret)
    with pytest.raises(UnreadableError):
        reveal(other, "user_secret")


def test_secrets_do_not_open_for_another_origin(organization: Organization) -> None:
    organization.base_url = "https://attacker.example/elements/api-v2"
    with pytest.raises(UnreadableError):
        reveal(organization, "user_secret")


def test_an_older_pair_put_back_does_not_open(organization: Organization) -> None:
    organization.secrets_version += 1
    with pytest.raises(UnreadableError):
        reveal(organization, "user_secret")


def test_credentials_do_not_open_beside_another_request(ask: Callable[..., Instance]) -> None:
    ask()
    held = OperationSecret.objects.get()
    held.operation.payload["name"] = "Another name"
    with pytest.raises(UnreadableError):
        reveal(held, "sealed")


@pytest.mark.parametrize("broken", ["", "plain", "ce1.t1.AA", "ce2.t1.AA.BB", "ce1.no.AA.BB"])
def test_what_is_not_a_known_form_does_not_open(organization: Organization, broken: str) -> None:
    organization.user_secret = broken
    with pytest.raises(UnreadableError):
        reveal(organization, "user_secret")


def test_a_changed_bit_does_not_open(organization: Organization) -> None:
    head, _, tail = organization.user_secret.rpartition(".")
    flipped = "A" if tail[0] != "A" else "B"
    organization.user_secret = f"{head}.{flipped}{tail[1:]}"
    with pytest.raises(UnreadableError):
        reveal(organization, "user_secret")


def test_a_secret_shows_nothing_by_accident() -> None:
    secret = Secret("s3cret-value")
    shown = f"{secret} {secret!r} {[secret]} {{'a': secret}}"
    assert "s3cret-value" not in shown
    with pytest.raises(TypeError):
        json.dumps(secret)


def test_reading_an_attribute_gives_ciphertext(organization: Organization) -> None:
    organization.refresh_from_db()
    assert organization.user_secret.startswith("ce1.")


def test_every_sealed_column_is_known_to_the_rotation() -> None:
    models = apps.get_app_config("instances").get_models()
    declared = {model for model in models if hasattr(model, "sealed_fields")}
    assert declared == {column.model for column in rotation.sealed_columns()}


def test_rotation_from_the_old_key_to_the_new_one(
    ask: Callable[..., Instance], settings: Settings, organization: Organization
) -> None:
    ask()
    use_ring(settings, ring_text("t2", t1="t", t2="u"))
    assert rotation.reseal(vault.ring()) == 3
    assert rotation.reseal(vault.ring()) == 0
    assert set(rotation.count_by_key()) == {"t2"}
    rotation.retire("t1")
    use_ring(settings, ring_text("t2", t2="u"))
    organization.refresh_from_db()
    assert reveal(organization, "user_secret")
    assert rotation.find_unreadable(vault.ring()) == []


def test_a_key_in_use_is_not_retired(organization: Organization) -> None:
    with pytest.raises(rotation.KeyInUseError, match="2 stored values"):
        rotation.retire("t1")


def test_an_edit_during_resealing_wins(organization: Organization, settings: Settings) -> None:
    use_ring(settings, ring_text("t2", t1="t", t2="u"))
    stale = Organization.objects.get()
    edited = vault.seal(organization, "user_secret", "edited meanwhile")
    Organization.objects.update(user_secret=edited)
    column = rotation.SealedColumn(Organization, "user_secret")
    assert rotation._reseal_row(vault.ring(), column, stale) == 0
    assert Organization.objects.get().user_secret == edited


def test_a_damaged_value_is_named_by_the_check(organization: Organization) -> None:
    Organization.objects.update(user_secret=organization.organization_secret)
    problems = rotation.find_unreadable(vault.ring())
    assert len(problems) == 1
    assert str(organization.pk) in problems[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "No key ring"),
        ("not json", "not JSON"),
        ('{"primary": "a", "keys": {"a": "c2hvcnQ="}}', "32 bytes"),
        ('{"primary": "b", "keys": {}}', "'b' is not in the key ring"),
        (ring_text("t2", t2="u"), "'t1' is missing"),
        (ring_text("t1", t1="u"), "'t1' of the key ring is not the key"),
    ],
)
def test_a_ring_that_does_not_fit_is_refused_in_words(
    organization: Organization, settings: Settings, text: str, words: str
) -> None:
    use_ring(settings, text)
    with pytest.raises(KeyRingError, match=words):
        vault.ring()


def test_two_places_for_the_ring_are_refused(settings: Settings) -> None:
    settings.VAULT = {"KEYRING": RING, "KEYRING_FILE": "/somewhere"}
    keyring.ring.cache_clear()
    with pytest.raises(KeyRingError, match="Both"):
        vault.ring()


def test_a_ring_file_open_to_others_is_refused(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "ring.json"
    file.write_text(RING)
    file.chmod(0o644)
    settings.VAULT = {"KEYRING": "", "KEYRING_FILE": str(file)}
    keyring.ring.cache_clear()
    with pytest.raises(KeyRingError, match="chmod 600"):
        vault.ring()


DOORS = {
    "web": [sys.executable, "-c", "import config.wsgi"],
    "worker": [sys.executable, "-m", "celery", "-A", "config", "worker", "-P", "solo"],
    "command": [sys.executable, "manage.py", "list_instances", "--json"],
}


@pytest.mark.processes
@pytest.mark.parametrize("door", DOORS)
def test_without_a_key_ring_no_process_starts(door: str, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3",
        "CELERY_BROKER_URL": "memory://",
        "ELEMENTDESK_KEYRING": "",
        "ELEMENTDESK_KEYRING_FILE": str(tmp_path / "missing.json"),
    }
    done = subprocess.run(
        DOORS[door], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert "key ring file" in done.stderr
    assert "key_ring make" in done.stderr
