"""Ask for an instance, and ask to look for one whose answer was lost."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from instances import access, audit, element_entries, tags, tasks, vault, zuora
from instances.access import Action
from instances.crash_points import reach
from instances.models import (
    Element,
    Environment,
    Instance,
    Operation,
    OperationKind,
    OperationSecret,
    OperationState,
    Organization,
)
from instances.operations import consents, recognition


class MissingEntriesError(Exception):
    """Required configuration entries are missing; `entries` holds their keys, all of them."""

    def __init__(self, entries: Sequence[str]) -> None:
        self.entries = list(entries)
        super().__init__("Missing configuration entries: " + ", ".join(entries))


class RequestReusedError(Exception):
    """The request id was used before for something else; `instance` is what it led to."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        super().__init__("The request id was used before, with other content.")


def request_instance(
    *,
    requester: User,
    organization: Organization,
    element_key: str,
    name: str,
    configuration: Mapping[str, str | bool],
    tag_names: Sequence[str],
    client_request_id: UUID,
    environment: str = "",
    heeds_environment: bool = False,
) -> Instance:
    """
    Ask for an element instance; the same `client_request_id` again returns the same instance.

    `configuration` holds plaintext credentials: they are sealed at once, beside the exact request
    they belong to, and erased when the operation is final. Zuora's entries tell the `environment`;
    `heeds_environment` stops Zuora credentials that are known from its other one.

    :raises NotAllowedError: the requester may not create in this organization.
    :raises MissingEntriesError: required entries are missing.
    :raises RequestReusedError: the id was used before, with other content.
    :raises NoAddressError: an OAuth element, and the server does not know its own address.
    :raises OtherEnvironmentError: the credentials are in use at Zuora's other environment.
    """
    _require_creating(requester, organization)
    configuration, told = consents.prepared(organization, element_key, configuration)
    if missing := _missing(organization, element_key, configuration):
        raise MissingEntriesError(missing)
    prints = _fingerprints(organization, element_key, name, configuration, tag_names)
    earlier = _earlier(requester, client_request_id, prints)
    if earlier is not None:
        return earlier
    if heeds_environment:
        recognition.refuse_other_environment(requester, element_key, configuration)
    instance = Instance(organization=organization, owner=requester, name=name)
    instance.element_key = element_key
    instance.environment = environment or _environment(element_key, configuration)
    try:
        with transaction.atomic():
            operation = _record_wish(
                instance, configuration, tag_names, client_request_id, prints[0], told
            )
            reach("submitted")
    except IntegrityError:
        # Two copies of one form met here; the other one was first.
        if (earlier := _earlier(requester, client_request_id, prints)) is None:
            raise
        return earlier
    return operation.made


def _require_creating(requester: User, organization: Organization) -> None:
    access.require(requester, Action.CREATE, organization)
    if not organization.is_active:
        raise access.NotAllowedError("create in an organization that is switched off", organization)


def _missing(
    organization: Organization, element_key: str, configuration: Mapping[str, str | bool]
) -> list[str]:
    """Return what the element requires and is not there; of one that nobody has read, nothing."""
    if element_key == zuora.ELEMENT_KEY:
        return zuora.missing_entries(configuration)
    known = Element.objects.filter(organization=organization, element_key=element_key).first()
    return element_entries.missing(known, configuration) if known else []


def _fingerprints(
    organization: Organization,
    element_key: str,
    name: str,
    configuration: Mapping[str, str | bool],
    tag_names: Sequence[str],
) -> list[str]:
    """Return keyed fingerprints of all that is asked for, one by each key of the ring."""
    asked = [str(organization.pk), element_key, name, dict(configuration), list(tag_names)]
    return vault.fingerprints(json.dumps(asked, sort_keys=True), "request")


def _earlier(requester: User, client_request_id: UUID, prints: Sequence[str]) -> Instance | None:
    made = Operation.objects.filter(requester=requester, client_request_id=client_request_id)
    operation = made.select_related("instance").first()
    if operation is None:
        return None
    if operation.request_fingerprint not in ("", *prints):
        raise RequestReusedError(operation.made)
    return operation.made


def _environment(element_key: str, configuration: Mapping[str, str | bool]) -> Environment | str:
    return zuora.environment(configuration) if element_key == zuora.ELEMENT_KEY else ""


def _record_wish(
    instance: Instance,
    configuration: Mapping[str, str | bool],
    tag_names: Sequence[str],
    client_request_id: UUID,
    fingerprint: str,
    told: Mapping[str, str],
) -> Operation:
    operation = Operation(
        kind=OperationKind.CREATE,
        instance=instance,
        organization=instance.organization,
        requester=instance.owner,
        client_request_id=client_request_id,
        request_fingerprint=fingerprint,
    )
    operation.tag = tags.tag_for(operation)
    operation.payload = {
        "element_key": instance.element_key,
        "name": instance.name,
        "tags": [*tag_names, operation.tag],
        "configuration_keys": list(configuration),
        **told,
    }
    instance.save(force_insert=True)
    instance.replace_tags(tag_names)
    operation.save(force_insert=True)
    seal_credentials(operation, configuration)
    recognition.remember(operation, instance.element_key, configuration)
    consents.expect(operation)
    audit.record(instance.owner, "instance.requested", instance, environment=instance.environment)
    transaction.on_commit(partial(tasks.ring, operation.pk))
    return operation


def seal_credentials(operation: Operation, configuration: Mapping[str, str | bool]) -> None:
    """Keep what an operation sends sealed beside its payload, which is final by then."""
    held = OperationSecret(
        operation=operation,
        expires_at=timezone.now() + timedelta(days=settings.ENGINE["CREDENTIAL_DAYS"]),
    )
    held.sealed = vault.seal(held, "sealed", json.dumps(dict(configuration)))
    held.save(force_insert=True)


def request_look(*, actor: User, instance: Instance) -> bool:
    """
    Ask the worker to look for a lost answer now; return whether there is one to look for.

    :raises NotAllowedError: the actor may not use this instance.
    """
    access.require(actor, Action.USE, instance)
    with transaction.atomic():
        waiting = Operation.objects.filter(instance=instance, state=OperationState.UNKNOWN)
        ids = list(waiting.values_list("pk", flat=True))
        if ids:
            waiting.update(next_run_at=Now())
            audit.record(actor, "instance.look_requested", instance)
            transaction.on_commit(partial(tasks.ring, ids[0]))
    return bool(ids)
