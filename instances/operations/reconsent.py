"""Ask that somebody consents at the provider again, for an instance that exists and keeps its id."""

from django.contrib.auth.models import User
from django.db import transaction

from instances import oauth
from instances.models import Element, Instance, Operation, OperationKind
from instances.operations import consents
from instances.operations.lifecycle import ask, require_changeable


class NoConsentError(Exception):
    """The instance's element is not allowed at its provider, as far as the catalog tells."""


def request_instance_reconsent(
    *, requester: User, instance: Instance, key: str, secret: str
) -> Operation:
    """
    Ask that somebody consents at the provider again, for an instance that exists and keeps its id.

    `key` and `secret` are those of the application at the provider, which are not kept here.

    :raises NotAllowedError: the requester may not manage the instance.
    :raises NoConsentError: its element is not allowed at the provider.
    :raises NoAddressError: ELEMENTDESK_ADDRESS is not set.
    :raises NotChangeableError: something else is under way with it.
    :raises SwitchedOffError: its organization is switched off.
    """
    require_changeable(requester, instance)
    if not (protocol := protocol_for(instance)):
        raise NoConsentError
    if not (callback := oauth.callback_address()):
        raise consents.NoAddressError
    sent = {oauth.KEY: key, oauth.SECRET: secret, oauth.CALLBACK: callback}
    with transaction.atomic():
        told = {"consent": protocol}
        operation = ask(OperationKind.REAUTHENTICATE, requester, instance, told, sent)
        consents.expect(operation)
    return operation


def protocol_for(instance: Instance) -> str:
    """Return by which protocol the instance is allowed at its provider; "" if by none."""
    mine = Element.objects.filter(organization=instance.organization_id)
    element = mine.filter(element_key=instance.element_key).first()
    texts = {key: value for key, value in instance.configuration.items() if value}
    texts.pop(oauth.REFRESH_TOKEN, None)
    return oauth.protocol_of(element, texts) if element else ""
