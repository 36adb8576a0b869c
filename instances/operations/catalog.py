"""Ask for the catalog of elements to be read anew."""

from functools import partial

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now

from instances import access, audit, tasks
from instances.access import Action
from instances.models import CatalogReading, Organization


def request_catalog(*, actor: User, organization: Organization) -> bool:
    """
    Ask a worker to read which elements there are; False if one is about to.

    :raises NotAllowedError: the actor may not create instances there.
    """
    access.require(actor, Action.CREATE, organization)
    with transaction.atomic():
        CatalogReading.objects.get_or_create(organization=organization)
        idle = CatalogReading.objects.filter(pk=organization.pk, asked_at=None)
        if not idle.update(asked_at=Now(), due_at=Now()):
            return False
        audit.record(actor, "organization.catalog_requested", organization)
        transaction.on_commit(partial(tasks.ring_for_catalog, organization.pk))
    return True
