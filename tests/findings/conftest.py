"""What was found on the platform waits for a person, and is deleted only by its typed id: where its tests begin."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from instances.models import (
    Finding,
    FindingKind,
    Instance,
    Organization,
    Role,
)
from instances.operations import (
    FindingChoice,
    decide_finding,
)
from sandbox.running import Account
from tests.cases import work
from tests.findings.steps import Ask, Decide


@pytest.fixture
def admin(member: Callable[..., User]) -> User:
    return member(Role.ADMIN, "ada")


@pytest.fixture
def orphan(organization: Organization, account: Account, ask: Ask) -> Finding:
    """An instance with our tag of which no request is known."""
    ask(name="another, so that the account is known")
    work()
    made = account.add_instance(element="zuorav2", name="Lost one", tags=["ced-orphan"])
    organization.refresh_from_db()
    return Finding.objects.create(
        organization=organization,
        kind=FindingKind.ORPHAN,
        account=organization.account,
        remote_id=made["id"],
        name="Lost one",
        element_key="zuorav2",
        tag="ced-orphan",
        last_seen_at=Now(),
    )


@pytest.fixture
def say(admin: User) -> Decide:
    def say(finding: Finding, choice: FindingChoice, typed_id: object = "") -> Instance | None:
        return decide_finding(
            actor=admin,
            finding=finding,
            choice=choice,
            reason="Checked with the team.",
            typed_id=str(typed_id),
        )

    return say
