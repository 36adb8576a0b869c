"""What a test puts there behind the platform's back: instances, audit rows and usage rows."""

from collections.abc import Callable
from typing import Any

from sandbox import elements, instances, provisioning, recording
from sandbox.accounts import Account
from sandbox.instances import Instance
from sandbox.platform import Platform

Document = dict[str, Any]


class ControlError(Exception):
    """The control call names something that does not exist, or says nothing sensible."""


def _instances(
    platform: Platform, account: Account, rest: list[str], sent: Document
) -> list[Document]:
    return platform.documents_of(account)


def _deleted(
    platform: Platform, account: Account, rest: list[str], sent: Document
) -> list[Document]:
    return platform.documents_of(account, deleted=True)


def _plant(platform: Platform, account: Account, rest: list[str], sent: Document) -> Document:
    """Put an instance there without a call: a stranger's, an older one, one with a given tag."""
    sent = dict(sent)
    key = sent.pop("element", "zuorav2")
    invented = platform.invented[account.id]
    element = elements.find(key, private_clone=account.switches.private_clone, invented=invented)
    if element is None:
        raise ControlError(f"No element {key}")
    values = provisioning.configuration_values(sent.pop("configuration", {}))
    fields: Document = {"name": "Planted"} | sent | {"configuration": element.completed(values)}
    instance = platform.add_instance(account, element_id=element.id, **fields)
    return _shown(platform, account, instance)


def _change(platform: Platform, account: Account, rest: list[str], sent: Document) -> Document:
    instance = platform.change_instance(_instance(platform, account, rest), **sent)
    return _shown(platform, account, instance)


def _remove(platform: Platform, account: Account, rest: list[str], sent: Document) -> Document:
    platform.delete_instance(_instance(platform, account, rest))
    return {}


def _instance(platform: Platform, account: Account, rest: list[str]) -> Instance:
    found = platform.find_instance(account, int(rest[0])) if rest else None
    if found is None:
        raise ControlError(f"No instance {rest}")
    return found


def _shown(platform: Platform, account: Account, instance: Instance) -> Document:
    return instances.document(instance, account, unmasked=True)


def _plant_crowd(platform: Platform, account: Account, rest: list[str], sent: Document) -> Document:
    """Put very many instances there: `count`, `name`, `elements` (keys, in turn), `tags`."""
    sent = dict(sent)
    keys = sent.pop("elements", ["zuorav2"])
    invented = platform.invented[account.id]
    chosen = [elements.find(key, private_clone=False, invented=invented) for key in keys]
    if not chosen or None in chosen:
        raise ControlError(f"No elements {keys}")
    offered = [each for each in chosen if each]
    numbers = platform.add_crowd(account, int(sent.pop("count")), chosen=offered, **sent)
    return {"first": numbers.start, "last": numbers.stop - 1}


def _plant_element(
    platform: Platform, account: Account, rest: list[str], sent: Document
) -> Document:
    """Put an element into this account's catalog, or in place of the one with its key."""
    return platform.invent(account, sent).entry(abridged=False)


def _plant_usage(platform: Platform, account: Account, rest: list[str], sent: Document) -> Document:
    """Put calls of an instance there: `instance`, `count`, `seconds_apart`, `time` of the newest, …"""
    sent = dict(sent)
    instance = _instance(platform, account, [str(sent.pop("instance", ""))])
    number = recording.plant_usage(platform, account, instance, **sent)
    return {"added": number}


def _plant_audit(platform: Platform, account: Account, rest: list[str], sent: Document) -> Document:
    """Put an audit row there, as if somebody had changed the instance in the vendor's console."""
    return recording.plant_audit(platform, account, sent)


CALLS: dict[tuple[str, str], Callable[[Platform, Account, list[str], Document], Any]] = {
    ("GET", "instances"): _instances,
    ("GET", "deleted-instances"): _deleted,
    ("POST", "instances"): _plant,
    ("POST", "elements"): _plant_element,
    ("POST", "crowd"): _plant_crowd,
    ("PATCH", "instances"): _change,
    ("DELETE", "instances"): _remove,
    ("POST", "usage"): _plant_usage,
    ("POST", "audit-logs"): _plant_audit,
}
