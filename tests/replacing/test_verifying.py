"""An organization's secrets are verified, and the pages say whose they are."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from instances import operations
from instances.engine import replacing, verifying
from instances.models import (
    Candidate,
    Organization,
)
from instances.operations import SecretPair
from sandbox.running import Account, Sandbox
from tests.replacing.steps import enter, opened, pair_of, read

pytestmark = pytest.mark.django_db(transaction=True)


def test_verifying_tells_whose_they_are_and_when_they_were_accepted(
    organization: Organization, operator: User, account: Account
) -> None:
    assert operations.request_verification(actor=operator, organization=organization)
    assert not operations.request_verification(actor=operator, organization=organization)
    verifying.run()
    row = read(organization)
    assert row.account_name == account.organization_name
    assert account.login in row.person
    assert row.verified_at
    assert row.verify_asked_at is None
    assert row.account.endswith(str(account.organization_id))


def test_without_a_name_of_the_user_the_account_is_enough(
    organization: Organization, operator: User, account: Account
) -> None:
    account.set(user_me_supported=False)
    operations.request_verification(actor=operator, organization=organization)
    verifying.run()
    row = read(organization)
    assert (row.account_name, row.person) == (account.organization_name, "")


def test_verifying_refused_secrets_stops_the_organization(
    organization: Organization, operator: User, account: Account
) -> None:
    account.reset_secrets()
    operations.request_verification(actor=operator, organization=organization)
    verifying.run()
    assert read(organization).is_refused
    assert read(organization).verify_asked_at is None


def test_a_question_without_an_answer_keeps_the_last_success(
    organization: Organization, operator: User, account: Account
) -> None:
    operations.request_verification(actor=operator, organization=organization)
    verifying.run()
    before = read(organization).verified_at
    account.fault("status", path="/organizations/me", method="GET", status=503)
    operations.request_verification(actor=operator, organization=organization)
    verifying.run()
    row = read(organization)
    assert row.verified_at == before
    assert "503" in row.verify_problem


def test_secrets_are_verified_by_themselves_once_in_a_period(
    organization: Organization, account: Account, settings: Settings
) -> None:
    seen = len(account.ledger())
    verifying.run()
    assert len(account.ledger()) == seen
    settings.HEALTH = {**settings.HEALTH, "VERIFY_EVERY": 3600.0}
    verifying.run()
    verifying.run()
    assert len(account.ledger()) == seen + 2
    assert read(organization).verify_due_at > timezone.now() + timedelta(minutes=50)


def test_the_page_says_what_becomes_of_new_secrets(
    client: Client, known: Organization, admin: User, sandbox: Sandbox, pair: SecretPair
) -> None:
    client.force_login(admin)
    address = known.get_absolute_url()

    def text() -> str:
        return " ".join(client.get(address).content.decode().split())

    enter(known, admin, pair)
    assert "New secrets are being checked" in text()
    assert "hx-trigger" in text()
    replacing.run()
    assert "The new secrets are not used" in text()
    assert "hx-trigger" not in text().split('id="secrets"')[1].split("</section>")[0]
    client.post(reverse("instances:secrets_discard", args=[known.pk]))
    assert "The new secrets are not used" not in text()
    other = sandbox.new_account()
    enter(known, admin, pair_of(other))
    replacing.run()
    assert "open another account" in text()
    assert other.organization_name in text()
    account = Candidate.objects.get().account
    client.post(reverse("instances:secrets_confirm", args=[known.pk]), {"account": "wrong"})
    assert "open another account" in text()
    client.post(reverse("instances:secrets_confirm", args=[known.pk]), {"account": account})
    replacing.run()
    assert opened(known) == other.user_secret
    assert other.organization_name in text()


def test_the_page_verifies_on_demand(
    client: Client, organization: Organization, operator: User
) -> None:
    client.force_login(operator)
    address = reverse("instances:organization_verify", args=[organization.pk])
    assert "Verify now" in client.get(organization.get_absolute_url()).content.decode()
    client.post(address)
    page = client.get(organization.get_absolute_url()).content.decode()
    assert "Asking the platform" in page
    verifying.run()
    assert "Asking the platform" not in client.get(organization.get_absolute_url()).content.decode()
