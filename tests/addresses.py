"""Where each page is, about the rows of a test."""

from typing import Any

from django.urls import reverse

from instances.models import (
    ApiKey,
    Delivery,
    Element,
    Finding,
    Instance,
    Notification,
    Share,
    Team,
    Webhook,
)


def address(name: str, instance: Instance, share: Share) -> str:
    """Return the address of a page about this instance, its share or its organization."""
    names = [
        "organization",
        "organization_probe",
        "organization_search",
        "organization_drift",
        "adoption_stop",
        "comparison_cancel",
        "organization_verify",
        "organization_keys",
        "organization_invitations",
    ]
    names += ["webhooks", "webhook_new"]
    names += ["secrets_confirm", "secrets_discard", "elements", "elements_read"]
    keys = dict.fromkeys(names, instance.organization_id) | {"share_remove": share.pk}
    of_instance = {"detail", "configuration", "instance_activity", "look", "token"}
    of_instance |= {"reveal", "sharing", "cancel", "disable", "enable"}
    of_instance |= {"reveal", "sharing", "cancel", "instance_health", "health_test", "log_read"}
    of_instance |= {"rotate", "instance_drift", "hand_over", "record"}
    of_instance |= {"edit", "reauthenticate", "delete", "deletion_undo", "consent", "reconsent"}
    if name in ("webhook", "webhook_secret", "webhook_test", "webhook_remove"):
        return reverse(f"instances:{name}", args=[Webhook.objects.get().pk])
    if name == "delivery_repeat":
        return reverse("instances:delivery_repeat", args=[Delivery.objects.get().pk])
    if name == "notification_read":
        return reverse("instances:notification_read", args=[Notification.objects.get().pk])
    if name == "audit_export":
        return reverse("instances:audit_export", args=["csv"])
    if name in ("key_rotate", "key_revoke"):
        return reverse(f"instances:{name}", args=[ApiKey.objects.get().pk])
    if name in ("factor_remove", "invitation_revoke"):
        return reverse(f"instances:{name}", args=[instance.pk])
    if (about := of_people(name, instance)) is not None:
        return reverse(f"instances:{name}", args=about)
    if name == "decide":
        return reverse("instances:decide", args=[instance.operations.get().pk])
    if name == "rotation_decide":
        return reverse("instances:rotation_decide", args=[instance.pk, "undo"])
    if name == "element":
        return Element.objects.get(element_key="ledgers").get_absolute_url()
    if name == "oauth_returned":
        return reverse("instances:oauth_returned", args=["unknown"])
    if name in ("element_new", "element_new_preview"):
        element = Element.objects.get(element_key="ledgers")
        return reverse(f"instances:{name}", args=[element.organization_id, element.element_key])
    if name == "finding":
        return reverse("instances:finding", args=[Finding.objects.get().pk])
    key = keys.get(name) or (instance.pk if name in of_instance else None)
    return reverse(f"instances:{name}", args=[key] if key else [])


def of_people(name: str, instance: Instance) -> list[Any] | None:
    """Return what the address of a page about people is made of; None if it is no such page."""
    of, person, team = instance.organization_id, instance.owner_id, Team.objects.first()
    about: dict[str, list[Any]] = {
        "organization_people": [of],
        "organization_person": [of, person],
        "person_role": [of, person],
        "person_hand_over": [of, person],
        "organization_person_remove": [of, person],
        "sight_accept": [of, person, instance.pk],
        "organization_teams": [of],
        "organization_team": [of, team and team.pk],
        "team_join": [of, team and team.pk],
        "team_leave": [of, team and team.pk, person],
        "organization_team_delete": [of, team and team.pk],
    }
    return about.get(name)
