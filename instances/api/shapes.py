"""What programs send and get: every entry, and nothing that is secret unless a token is asked for."""

import hashlib
import json
from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Field, Schema
from pydantic import BaseModel


class ProblemField(BaseModel):
    """One entry of the request that cannot be."""

    name: str
    problem: str


class Problem(Schema):
    """Why it was not done (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str = Field(description="What programs tell problems apart by.")
    detail: str
    fields: list[ProblemField]
    request_id: str


class Named(Schema):
    """Something by its id and name."""

    id: UUID
    name: str


class HealthOut(Schema):
    """How an instance is doing by the last checks."""

    state: str
    problem: str
    since: datetime
    checked_at: datetime | None
    latency_ms: int | None


class InstanceLine(Schema):
    """An instance as lists show it."""

    id: UUID
    name: str
    status: str = Field(description="As on the pages, such as active, disabled or needs_person.")
    organization: Named
    owner: str
    element_key: str
    environment: str
    remote_id: int | None = Field(description="The platform's instance ID.")
    tags: list[str]
    health: str = Field(description="Empty while it is not watched.")
    created_at: datetime
    settled_at: datetime | None


class OperationOut(Schema):
    """A wish, and where it stands."""

    id: UUID
    kind: str
    state: str
    is_final: bool
    instance_id: UUID
    requester: str
    problem: str = Field(description="Why it stands where it stands, in a fixed word.")
    message: str
    choices: list[str] = Field(description="What may be decided now; usually nothing.")
    created_at: datetime
    finished_at: datetime | None


class InstanceOut(InstanceLine):
    """An instance with what the platform returned; every secret is masked."""

    is_valid: bool | None
    is_disabled: bool | None
    has_events: bool | None
    configuration: dict[str, Any]
    operation: OperationOut | None = Field(description="The newest one.")

    def etag(self) -> str:
        """Return what stands for exactly this."""
        shown = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return f'"{hashlib.sha256(shown.encode()).hexdigest()[:32]}"'


class InstancePage(Schema):
    """Some instances, newest first."""

    items: list[InstanceLine]
    next: UUID | None = Field(description="Send it as `after` for the next page; null at the end.")


class RotationOut(Schema):
    """A rotation, and where it stands."""

    id: UUID
    state: str
    old_id: UUID
    new_id: UUID
    problem: str
    message: str


class TokenOut(Schema):
    """The element token: recorded before it was sent."""

    token: str
    header: str = Field(description="With a place for the user secret, which is not handed out.")


class ShareOut(Schema):
    """With whom an instance is shared."""

    id: UUID
    instance_id: UUID
    person: str | None
    team: str | None
    level: str
    until: datetime | None
    granted_by: str


class ShareList(Schema):
    """Every share of one instance."""

    items: list[ShareOut]


class OrganizationOut(Schema):
    """An account on the platform; its secrets are never handed out."""

    id: UUID
    name: str
    base_url: str
    environment_label: str
    is_active: bool
    is_refused: bool = Field(description="The platform refuses its secrets.")
    is_paused: bool
    verified_at: datetime | None


class OrganizationList(Schema):
    """The organization of the key."""

    items: list[OrganizationOut]


class ElementLine(Schema):
    """An element of the organization's catalog."""

    key: str
    name: str
    hub: str
    authentication: str
    is_active: bool
    is_gone: bool


class ElementList(Schema):
    """A part of the catalog, by name."""

    items: list[ElementLine]
    next: int | None = Field(description="Send it as `offset` for the next page; null at the end.")


class EntryOut(Schema):
    """One entry that an element asks for."""

    key: str
    name: str
    description: str
    is_required: bool
    is_secret: bool
    default: str
    options: list[str]
    group: str


class ElementOut(ElementLine):
    """An element with what it asks for."""

    entries: list[EntryOut]


class AuditLine(Schema):
    """One line of the record."""

    id: int
    at: datetime
    actor: str
    action: str
    object_type: str
    object_id: str
    object_name: str
    result: str
    detail: dict[str, Any]
    rights: str = Field(description="What the actor was allowed in that moment, in words.")
    request_id: str
    address: str


class AuditPage(Schema):
    """A part of the record, newest first."""

    items: list[AuditLine]
    next: int | None = Field(description="Send it as `before` for the next page; null at the end.")


class KeyOut(Schema):
    """The key with which the program came in."""

    name: str
    prefix: str
    owner: str
    organization: Named
    scopes: list[str]
    expires_at: datetime
