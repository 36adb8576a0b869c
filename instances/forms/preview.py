"""The request as it will leave, with a placeholder for everything secret."""

import json
import re
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from instances import element_entries, zuora
from instances.element_entries import Entry
from instances.forms.creation import SECRET_FIELDS, InstanceForm, configuration_of
from instances.forms.elements import ElementForm
from instances.forms.entries import name_of

PLACEHOLDERS = {
    "username": "<INSERT_YOUR_ZUORA_USERNAME>",
    "password": "<INSERT_YOUR_ZUORA_PASSWORD>",
    "client_id": "<INSERT_YOUR_ZUORA_CLIENT_ID>",
    "client_secret": "<INSERT_YOUR_ZUORA_CLIENT_SECRET>",
    "callback_url": "<INSERT_CALLBACK_URL>",
    "signature_key": "<INSERT_SIGNATURE_KEY>",
}
NOT_A_NAME = re.compile(r"[^A-Z0-9]+")
DEFAULT_BASE_URL = "https://api.cloud-elements.com/elements/api-v2"
CURL = """curl -X POST \\
  -H 'Authorization: User <INSERT_USER_SECRET>, Organization <INSERT_ORGANIZATION_SECRET>' \\
  -H 'Content-Type: application/json' \\
  -d @instance.json \\
  '{base_url}/instances'"""


@dataclass(frozen=True)
class RequestPreview:
    """The body and the call, as the platform's guide writes them."""

    body: str
    curl: str

    @classmethod
    def of(cls, form: InstanceForm) -> "RequestPreview":
        """Read what the form holds so far; what is missing or wrong shows as a placeholder."""
        values = _values(form)
        body = {
            "element": {"key": zuora.ELEMENT_KEY},
            "configuration": configuration_of(values),
            "tags": values["tags"] or ["<INSERT_TAGS>"],
            "name": values["name"] or "<INSERT_INSTANCE_NAME>",
        }
        organization = values["organization"]
        base_url = organization.base_url if organization else DEFAULT_BASE_URL
        text = json.dumps(body, indent=2, ensure_ascii=False)
        return cls(body=text, curl=CURL.format(base_url=base_url))

    @classmethod
    def of_element(cls, form: ElementForm) -> "RequestPreview":
        """Read what the form of any element holds so far, likewise."""
        element = form.element
        body = {
            "element": {"key": element.element_key},
            "configuration": _entries(form),
            "tags": _value(form, "tags") or ["<INSERT_TAGS>"],
            "name": _value(form, "name") or "<INSERT_INSTANCE_NAME>",
        }
        text = json.dumps(body, indent=2, ensure_ascii=False)
        return cls(body=text, curl=CURL.format(base_url=element.organization.base_url))


def _entries(form: ElementForm) -> dict[str, str]:
    """Return the entries of the way in that is chosen; what is required and missing shows as a gap."""
    typed = {str(each["key"]): _shown(form, each) for each in form.asked}
    chosen = {key: value for key, value in typed.items() if value}
    in_use = element_entries.in_use(form.element, chosen)
    keys = [(str(each["key"]), each["is_required"]) for each in in_use]
    return {
        key: typed.get(key) or f"<INSERT_{NOT_A_NAME.sub('_', key.upper()).strip('_')}>"
        for key, is_required in keys
        if is_required or typed.get(key)
    }


def _shown(form: ElementForm, entry: Entry) -> str:
    if element_entries.is_secret(entry):
        return ""
    return str(_value(form, name_of(entry)) or "")


def _values(form: InstanceForm) -> dict[str, Any]:
    values = {name: _value(form, name) for name in form.fields if name not in SECRET_FIELDS}
    return values | {name: values.get(name) or text for name, text in PLACEHOLDERS.items()}


def _value(form: forms.Form, name: str) -> Any:
    try:
        return form.fields[name].clean(form[name].value())
    except ValidationError:
        return None
