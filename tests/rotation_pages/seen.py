"""The pages of a rotation: what they say, whom they let decide, and that a secret is never in them: what its tests share."""

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from instances.models import (
    Instance,
    Rotation,
)

TYPED = {"authentication_type": "basic", "username": "somebody", "password": "typed-secret-7351"}


def text_of(client: Client, instance: Instance) -> str:
    return client.get(instance.get_absolute_url()).content.decode()


def decide(client: Client, instance: Instance, choice: str, **typed: object) -> str:
    address = reverse("instances:rotation_decide", args=[instance.pk, choice])
    return str(client.post(address, typed, follow=True).content.decode())


def halt(
    rotation: Rotation, problem: str = "calls", message: str = "It still takes calls."
) -> None:
    Rotation.objects.filter(pk=rotation.pk).update(problem=problem, message=message)


def rotate_address(instance: Instance) -> str:
    return reverse("instances:rotate", args=[instance.pk])


def queries_of(client: Client, address: str) -> int:
    client.get(address)
    with CaptureQueriesContext(connection) as told:
        client.get(address)
    return len(told)
