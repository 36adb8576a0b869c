"""Creating an instance: what must be there, what the provider says, what is kept."""

import json
import time
from typing import Any

from sandbox import consent, instances
from sandbox.accounts import Account
from sandbox.answers import PlatformError
from sandbox.call import Call
from sandbox.catalog import Element, text_of
from sandbox.messages import Response
from sandbox.shelf import Wanted

REFUSED = "wrong"  # what no provider but Zuora, who has real tenants here, takes as a credential


def create(call: Call) -> Response:
    """Answer POST /instances and POST /elements/{k}/instances (seed page)."""
    call.need("createElementInstances")
    document = call.document()
    element = wanted_element(call, document)
    name = cleaned_name(call, document.get("name"))
    values = configuration_values(document.get("configuration"))
    check_required(call, element, values)
    consent.check(element, document, values)
    valid = provider_accepts(call, element, values)
    values |= consent.tokens(call, element, document, values)
    switches = call.switches
    lag = switches.list_lag if call.bends.list_lag is None else call.bends.list_lag
    instance = call.platform.add_instance(
        call.account,
        call.entry,
        element_id=element.id,
        name=name,
        listed_from=time.time() + lag if lag else 0.0,
        tags=[] if call.bends.strips_tags else new_tags(call, name, document.get("tags")),
        configuration=element.completed(values),
        external_authentication=text_of(document.get("externalAuthentication"), str) or "none",
        valid=valid,
        objects=_objects(element) if document.get("retrieveObjectsAfterInstantiation") else None,
    )
    return call.show(instance)


def wanted_element(call: Call, document: dict[str, Any]) -> Element:
    if "element" in call.parts:
        return call.element()
    given = document.get("element")
    reference = given.get("key", given.get("id")) if isinstance(given, dict) else None
    if not isinstance(reference, str | int):
        raise PlatformError(400, "The element's key is required")
    return call.element(str(reference))


def cleaned_name(call: Call, given: object) -> str:
    """
    Clean a name the way the platform does.

    :raises PlatformError: there is none, it is too long or taken, as the switches say.
    """
    switches = call.switches
    if given is None and not switches.name_required:
        return ""
    if not isinstance(given, str) or not given.strip():
        raise PlatformError(400, "The name of the element instance is required")
    name = instances.clean(given) if switches.clean_names else given
    if 0 < switches.name_limit < len(name):
        raise PlatformError(400, f"The name is longer than {switches.name_limit} characters")
    if switches.unique_names and _is_taken(call, name):
        raise PlatformError(409, f"An element instance named {name} already exists")
    return name


def cleaned_tags(call: Call, given: object) -> list[str]:
    """Clean a list of tags; the oldest documentation shows objects with a name, read as well."""
    if not isinstance(given, list):
        raise PlatformError(400, "The tags must be an array of strings")
    texts = [tag.get("name") if isinstance(tag, dict) else tag for tag in given]
    strings = [text for text in texts if isinstance(text, str)]
    if len(strings) != len(texts):
        raise PlatformError(400, "The tags must be an array of strings")
    cleaned = [instances.clean(text) if call.switches.clean_tags else text for text in strings]
    return list(dict.fromkeys(tag for tag in cleaned if tag))


def new_tags(call: Call, name: str, given: object) -> list[str]:
    """Choose a new instance's tags: the ones sent, else its own name, and every @word of it."""
    tags = cleaned_tags(call, given) if given else []
    if not tags and call.switches.default_tag and name:
        tags = [name]
    words = instances.at_words(name) if call.switches.at_word_becomes_tag else []
    return list(dict.fromkeys(tags + words))


def configuration_values(given: object) -> dict[str, str | None]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise PlatformError(400, "The configuration must be a JSON object")
    return {str(key): text_of(value, json.dumps) for key, value in given.items()}


def check_required(call: Call, element: Element, values: dict[str, str | None]) -> None:
    """
    Refuse a configuration with gaps.

    :raises PlatformError: naming every missing entry, as the seed page promises.
    """
    missing = element.missing(values)
    if missing:
        text = call.switches.missing_configuration_text.replace("{keys}", ", ".join(missing))
        raise PlatformError(call.switches.missing_configuration_status, text)
    if call.switches.values_are_checked:
        _check_values(element, values)


def _check_values(element: Element, values: dict[str, str | None]) -> None:
    for setting in element.settings:
        refusal = setting.refusal(values.get(setting.key))
        if refusal:
            raise PlatformError(400, f"Invalid configuration: {refusal}")


def provider_accepts(call: Call, element: Element, values: dict[str, str | None]) -> bool:
    """
    Ask the provider whether it knows these credentials.

    Zuora knows its tenants; every other provider takes any credential but the word "wrong".

    :raises PlatformError: it does not, unless the switch lets such instances through.
    """
    if _tenant_accepts(call.account, element, values):
        return True
    if call.switches.wrong_credentials_accepted:
        return False
    raise PlatformError(
        call.switches.wrong_credentials_status,
        "Failed to authenticate with the endpoint",
        provider_message=_provider_message(call, element),
    )


def _provider_message(call: Call, element: Element) -> str:
    if element.key != "zuorav2":
        return json.dumps({"error": "invalid_client"})
    reason = {"code": 90000011, "message": "this resource is protected, please sign in first"}
    answer = {"success": False, "processId": call.entry.id, "reasons": [reason]}
    return json.dumps(answer)


def _tenant_accepts(account: Account, element: Element, values: dict[str, str | None]) -> bool:
    if element.key != "zuorav2":
        return REFUSED not in _credentials(element, values)
    is_sandbox = (values.get("zuorav2.sandbox") or "false").lower() == "true"
    tenant = account.sandbox if is_sandbox else account.production
    return tenant.accept(element.chosen_group(values), values)


def _credentials(element: Element, values: dict[str, str | None]) -> list[str | None]:
    chosen = element.chosen_group(values)
    asked = [e for e in element.settings if e.is_credential and e.group in (None, chosen)]
    return [values.get("oauth.user.refresh_token"), *(values.get(each.key) for each in asked)]


def _is_taken(call: Call, name: str) -> bool:
    wanted = Wanted(call.account.id)
    wanted.holding(name, ignore_case=False)
    return any(each.name == name for each in call.platform.shelf.find(wanted)[:])


def _objects(element: Element) -> list[dict[str, str]]:
    return [{"name": each, "vendorName": each, "type": "vendor"} for each in element.resources]
