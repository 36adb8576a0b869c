"""Who calls: an account is one user of one organization, with everything that is set for it."""

import base64
import secrets
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.switches import Switches


@dataclass
class ZuoraCredentials:
    """What one Zuora tenant accepts: a login, or an OAuth client."""

    username: str
    password: str
    client_id: str
    client_secret: str

    def accept(self, group: str | None, values: dict[str, str | None]) -> bool:
        if group == "custom":
            given = (values.get("clientId"), values.get("clientSecret"))
            return given == (self.client_id, self.client_secret)
        given = (values.get("username"), values.get("password"))
        return given == (self.username, self.password)


@dataclass
class Account:
    """One user's view of the platform; lists are scoped to it."""

    id: int
    organization_id: int
    organization_name: str
    organization_secret: str
    user_secret: str
    login: str
    login_password: str
    production: ZuoraCredentials
    sandbox: ZuoraCredentials
    switches: Switches = field(default_factory=Switches)
    bearer_tokens: list[str] = field(default_factory=list)

    @property
    def user(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "emailAddress": self.login,
            "firstName": "Sandbox",
            "lastName": f"User {self.id}",
        }

    def document(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Account":
        document = dict(document)
        document["production"] = ZuoraCredentials(**document["production"])
        document["sandbox"] = ZuoraCredentials(**document["sandbox"])
        switches = Switches()
        switches.set({k: v for k, v in document["switches"].items() if hasattr(switches, k)})
        document["switches"] = switches
        return cls(**document)


def new_token() -> str:
    """Make a secret of the platform's shape: 44 characters of base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _credentials(tenant: str, number: int) -> ZuoraCredentials:
    mark = secrets.token_hex(6)
    return ZuoraCredentials(
        username=f"{tenant}-{number}@zuora.example",
        password=f"{tenant}-password-{mark}",
        client_id=f"{tenant}-client-{number}",
        client_secret=f"{tenant}-client-secret-{mark}",
    )


def new_account(number: int) -> Account:
    return Account(
        id=number,
        organization_id=number,
        organization_name=f"Organization {number}",
        organization_secret=secrets.token_hex(16),
        user_secret=new_token(),
        login=f"user-{number}@sandbox.example",
        login_password=secrets.token_hex(8),
        production=_credentials("production", number),
        sandbox=_credentials("sandbox", number),
    )


def colleague(account: Account, number: int) -> Account:
    """Make another user of the same organization."""
    other = new_account(number)
    other.organization_id = account.organization_id
    other.organization_name = account.organization_name
    other.organization_secret = account.organization_secret
    other.production, other.sandbox = account.production, account.sandbox
    return other
