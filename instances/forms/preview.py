"""The request as it will leave, with a placeholder for everything secret."""

import json
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from instances import zuora
from instances.forms.creation import SECRET_FIELDS, InstanceForm, configuration_of

PLACEHOLDERS = {
    "username": "<INSERT_YOUR_ZUORA_USERNAME>",
    "password": "<INSERT_YOUR_ZUORA_PASSWORD>",
    "client_id": "<INSERT_YOUR_ZUORA_CLIENT_ID>",
    "client_secret": "<INSERT_YOUR_ZUORA_CLIENT_SECRET>",
    "callback_url": "<INSERT_CALLBACK_URL>",
    "signature_key": "<INSERT_SIGNATURE_KEY>",
}
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


def _values(form: InstanceForm) -> dict[str, Any]:
    values = {name: _value(form, name) for name in form.fields if name not in SECRET_FIELDS}
    return values | {name: values.get(name) or text for name, text in PLACEHOLDERS.items()}


def _value(form: InstanceForm, name: str) -> Any:
    try:
        return form.fields[name].clean(form[name].value())
    except ValidationError:
        return None
