"""Certificates are checked, and the environment changes nothing."""

from pathlib import Path

import pytest
from pytest_django import Settings

from instances.cloud_elements import (
    NotSentError,
)
from sandbox.running import Account, Sandbox
from tests.egress.listening import REQUEST, client_of, error_of, tls_sandbox


@pytest.mark.parametrize("kind", ["expired", "self-signed", "wrong host", "unknown authority"])
def test_bad_certificate_gets_no_byte_of_the_request(settings: Settings, kind: str) -> None:
    with tls_sandbox(settings, kind) as running:
        client = client_of(running.base_url, ca_bundle=running.authority_path)
        error = error_of(lambda: client.create_instance(REQUEST))
        assert running.ledger() == []
    assert (type(error), error.error_class) == (NotSentError, "tls")


@pytest.mark.parametrize("newest", ["TLSv1", "TLSv1_1"])
def test_old_tls_gets_no_byte_of_the_request(settings: Settings, newest: str) -> None:
    with tls_sandbox(settings, "good", newest) as running:
        client = client_of(running.base_url, ca_bundle=running.authority_path)
        error = error_of(lambda: client.create_instance(REQUEST))
        assert running.ledger() == []
    assert (type(error), error.error_class) == (NotSentError, "tls")


def test_good_certificate_is_accepted_with_its_authority_only(settings: Settings) -> None:
    with tls_sandbox(settings, "good") as running:
        account = running.new_account()
        trusting = client_of(running.base_url, account, ca_bundle=running.authority_path)
        assert trusting.identify() == str(account.organization_id)
        error = error_of(client_of(running.base_url, account).identify)
    assert error.error_class == "tls"


@pytest.mark.parametrize(("name", "is_named"), [("localhost", True), ("platform.example", False)])
def test_certificate_must_name_the_host_that_was_asked_for(
    settings: Settings, name: str, is_named: bool
) -> None:
    with tls_sandbox(settings, "good") as running:
        account = running.new_account()
        url = running.base_url.replace("127.0.0.1", name)
        settings.EGRESS = {"API_HOSTS": url.removesuffix("/elements/api-v2"), "CA_BUNDLE": ""}
        client = client_of(
            url, account, ca_bundle=running.authority_path, resolve=lambda *_: ["127.0.0.1"]
        )
        error = None if is_named and client.identify() else error_of(client.identify)
    assert error is None if is_named else isinstance(error, NotSentError)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_unreadable_authorities_stop_the_call(
    settings: Settings, tmp_path: Path, content: str | None
) -> None:
    bundle = tmp_path / "authorities.pem"
    if content:
        bundle.write_text(content)
    with tls_sandbox(settings, "good") as running:
        error = error_of(client_of(running.base_url, ca_bundle=str(bundle)).identify)
    assert (type(error), error.error_class) == (NotSentError, "tls")


def test_stalled_handshake_ends_at_the_deadline(settings: Settings) -> None:
    with tls_sandbox(settings, "good") as running:
        running.fault("stall handshake")
        client = client_of(running.base_url, ca_bundle=running.authority_path, seconds=0.5)
        error = error_of(client.identify)
    assert (type(error), error.error_class) == (NotSentError, "late")


def test_environment_changes_nothing(poisoned: Path, account: Account, sandbox: Sandbox) -> None:
    client_of(sandbox.base_url, account).identify()
    (entry,) = account.ledger()
    assert dict(entry.headers)["Authorization"] == account.authorization


def test_environment_changes_nothing_over_tls(poisoned: Path, settings: Settings) -> None:
    with tls_sandbox(settings, "good") as running:
        account = running.new_account()
        # Contexts are shared by path; another spelling makes a new one here.
        bundle = f"/{running.authority_path}"
        assert client_of(running.base_url, account, ca_bundle=bundle).identify()
    assert not (poisoned / "keys").exists()


def test_authority_in_the_environment_is_not_trusted(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    with tls_sandbox(settings, "good") as running:
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            monkeypatch.setenv(name, running.authority_path)
        error = error_of(client_of(running.base_url).identify)
    assert (type(error), error.error_class) == (NotSentError, "tls")
