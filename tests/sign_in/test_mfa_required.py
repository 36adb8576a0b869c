"""Where second factors are wanted, who has none reveals, administers and enters nothing."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from instances.models import (
    AuditEntry,
    FactorKind,
    Instance,
    Membership,
    Organization,
    RecoveryCode,
    Role,
    SecondFactor,
)
from tests.states import TOKEN
from tests.telling.steps import add_delivery, add_webhook

pytestmark = pytest.mark.django_db

FACTORS = "/account/factors/"


@pytest.fixture(autouse=True)
def wanted(settings: Settings) -> None:
    settings.SIGN_IN = {**settings.SIGN_IN, "MFA_REQUIRED": True}


@pytest.fixture
def factor() -> Callable[[User], SecondFactor]:
    """Give somebody a passkey."""

    def give(user: User) -> SecondFactor:
        return SecondFactor.objects.create(
            user=user,
            kind=FactorKind.PASSKEY,
            name="Blue key",
            secret="ce1.a.b.c",
            confirmed_at=timezone.now(),
        )

    return give


def privileged_pages(organization: Organization, active: Instance) -> dict[str, str]:
    pk = organization.pk
    names = ["organization_search", "organization_drift", "adoption_stop", "comparison_cancel"]
    names += ["secrets_confirm", "secrets_discard", "organization", "organization_keys", "webhooks"]
    of_it = {name: reverse(f"instances:{name}", args=[pk]) for name in names}
    webhook, of_webhook = add_webhook(organization), ("webhook", "webhook_test", "webhook_remove")
    of_it |= {name: reverse(f"instances:{name}", args=[webhook.pk]) for name in of_webhook}
    repeat = reverse("instances:delivery_repeat", args=[add_delivery(webhook).pk])
    of_it |= {"delivery_repeat": repeat}
    export = reverse("instances:audit_export", args=["csv"])
    return (
        of_it
        | {"reveal": reverse("instances:reveal", args=[active.pk]), "export": export}
        | {"record": reverse("instances:record", args=[active.pk])}
    )


def test_who_has_none_is_led_to_adding_one(
    signed_in: Client, operator: User, organization: Organization, active: Instance
) -> None:
    Membership.objects.filter(user=operator).update(role=Role.ADMIN)
    before = AuditEntry.objects.count()
    asked = privileged_pages(organization, active)
    answers = {name: signed_in.post(page).headers.get("Location") for name, page in asked.items()}
    assert answers == dict.fromkeys(asked, FACTORS)
    assert signed_in.get(reverse("instances:audit_list")).headers["Location"] == FACTORS
    assert AuditEntry.objects.count() == before


def test_a_script_gets_no_token_either(signed_in: Client, active: Instance) -> None:
    reveal = reverse("instances:reveal", args=[active.pk])
    answer = signed_in.post(reveal, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["confirm"]) == (403, FACTORS)
    assert TOKEN not in answer.content.decode()


def test_who_has_one_goes_on(
    signed_in: Client, operator: User, active: Instance, factor: Callable[[User], SecondFactor]
) -> None:
    factor(operator)
    assert TOKEN in signed_in.post(reverse("instances:reveal", args=[active.pk])).content.decode()


def test_an_app_that_was_only_begun_does_not_count(
    signed_in: Client, operator: User, active: Instance
) -> None:
    SecondFactor.objects.create(user=operator, kind=FactorKind.APP, secret="ce1.a.b.c")
    answer = signed_in.post(reverse("instances:reveal", args=[active.pk]))
    assert answer.headers["Location"] == FACTORS


def test_looking_and_working_need_none(signed_in: Client, active: Instance) -> None:
    for page in ("/", "/instances/", active.get_absolute_url(), "/account/", FACTORS):
        assert signed_in.get(page).status_code == 200
    assert "needs a second factor" in signed_in.get(FACTORS).content.decode()


def test_django_admin_is_shut_without(
    client: Client, factor: Callable[[User], SecondFactor]
) -> None:
    root = User.objects.create_superuser("root")
    client.force_login(root)
    pages = [reverse("admin:index"), reverse("admin:auth_user_add")]
    assert [client.get(page).headers.get("Location") for page in pages] == [FACTORS, FACTORS]
    assert client.post(reverse("instances:admin_sign_out")).headers["Location"] == "/sign-in/"
    factor(root)
    client.force_login(root)
    assert [client.get(page).status_code for page in pages] == [200, 200]


def test_a_superuser_takes_a_lost_factor_away(
    client: Client, operator: User, factor: Callable[[User], SecondFactor]
) -> None:
    root = User.objects.create_superuser("root")
    factor(root)
    lost = factor(operator)
    for owner in (root, operator):
        RecoveryCode.objects.create(user=owner, digest="ce1.a.b.c")
    client.force_login(root)
    page = reverse("admin:instances_secondfactor_delete", args=[lost.pk])
    assert client.post(page, {"post": "yes"}).status_code == 302
    assert list(SecondFactor.objects.values_list("user", flat=True)) == [root.pk]
    assert list(RecoveryCode.objects.values_list("user", flat=True)) == [root.pk]
    entry = AuditEntry.objects.get(action="second_factor.removed")
    assert (entry.actor, entry.object_name) == (root, "olivia")
