"""One call to the platform: who, on what, with which document; handed to the function that answers."""

import json
from dataclasses import dataclass, field
from typing import Any

from sandbox import elements, instances
from sandbox.accounts import Account
from sandbox.answers import PlatformError, forbidden, no_element, no_instance
from sandbox.catalog import Element
from sandbox.faults import Bends
from sandbox.instances import Instance
from sandbox.ledger import Entry
from sandbox.messages import Request, Response, json_response
from sandbox.platform import Platform
from sandbox.switches import Switches

NOBODY = Switches()


@dataclass
class Call:
    """
    What a route's function is given. `instance` is set when a token addresses the call, `kind`
    tells calls to the platform from calls to an element.
    """

    platform: Platform
    request: Request
    entry: Entry
    bends: Bends = field(default_factory=Bends)
    parts: dict[str, str] = field(default_factory=dict)
    caller: Account | None = None
    instance: Instance | None = None
    kind: str = ""
    address: str = ""
    scheme: str = "http"

    @property
    def account(self) -> Account:
        if self.caller is None:
            raise PlatformError(500, "This call has no caller")
        return self.caller

    @property
    def switches(self) -> Switches:
        return self.caller.switches if self.caller else NOBODY

    @property
    def origin(self) -> str:
        """Give the address a browser reaches the sandbox at: the one set, or the caller's own."""
        return self.platform.public_origin or f"{self.scheme}://{self.request.header('host')}"

    def need(self, privilege: str) -> None:
        if privilege in self.switches.withheld_privileges:
            raise forbidden(privilege)

    def document(self) -> dict[str, Any]:
        """
        Parse the body.

        :raises PlatformError: it is not JSON, or no object.
        """
        try:
            document = json.loads(self.request.body)
        except (ValueError, RecursionError):
            raise PlatformError(
                self.switches.malformed_json_status, "Malformed JSON in the request body"
            ) from None
        if not isinstance(document, dict):
            raise PlatformError(400, "The request body must be a JSON object")
        return document

    def element(self, reference: str | None = None) -> Element:
        """
        Look up the element of the path, or the given one.

        :raises PlatformError: there is none.
        """
        wanted = self.parts["element"] if reference is None else reference
        found = elements.find(
            wanted,
            private_clone=self.switches.private_clone,
            ignore_case=self.switches.element_key_ignores_case,
            invented=self.platform.invented[self.account.id],
        )
        if found is None:
            raise no_element(wanted, self.switches.unknown_element_status)
        return found

    def target(self) -> Instance:
        """
        Find the instance that is meant, by token or by the number in the path.

        :raises PlatformError: 404 unknown, 400 no number at all.
        """
        if "id" not in self.parts:
            if self.instance is None:
                raise no_instance("")
            return self.instance
        return self._by_number(self.parts["id"])

    def _by_number(self, text: str) -> Instance:
        if not text.isdecimal():
            raise PlatformError(self.switches.odd_id_status, f"Invalid instance ID {text}")
        instance = self.platform.find_instance(self.account, int(text[:18]))
        if instance is None:
            raise no_instance(text)
        if "element" in self.parts and self.element().key != instance.element.key:
            raise no_instance(text)
        return instance

    def show(self, instance: Instance) -> Response:
        document = instances.document(instance, self.account, unmasked=self.bends.unmasked)
        return json_response(document)

    def flag(self, name: str, default: bool) -> bool:
        value = self.request.argument(name)
        return default if value is None else value.lower() == "true"
