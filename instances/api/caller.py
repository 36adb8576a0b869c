"""Who calls: a key, whose owner's rights are asked with each request, within its organization."""

from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import structlog
from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest

from instances import access, operations
from instances.access import Action
from instances.models import SCOPE_COLUMNS, ApiKey, Instance, Operation, Organization, Scope, Share
from instances.problems import ProblemError

CHALLENGE = 'Bearer realm="Elementdesk"'


@dataclass(frozen=True)
class Caller:
    """A program that came in with a key."""

    key: ApiKey

    @property
    def user(self) -> User:
        """Whose hand it is."""
        return self.key.owner

    @property
    def organization(self) -> Organization:
        """The only one that it reaches."""
        return self.key.organization

    def visible(self) -> QuerySet[Instance]:
        """Return the instances of the organization that the owner may see."""
        return access.visible_to(self.user).filter(organization=self.organization)

    def find_instance(self, pk: UUID) -> Instance:
        """
        Return an instance that the owner may see.

        :raises Http404: there is none, or not for them.
        """
        rows = self.visible().select_related("organization", "owner", "health")
        if (instance := rows.filter(pk=pk).first()) is None:
            raise self._refusal(Instance.objects.filter(pk=pk).first())
        return instance

    def find_managed(self, pk: UUID) -> Instance:
        """
        Return an instance that the owner may manage.

        :raises Http404: there is none, or not for them.
        """
        instance = self.find_instance(pk)
        access.require(self.user, Action.MANAGE, instance)
        return instance

    def find_operation(self, pk: UUID) -> Operation:
        """
        Return an operation about an instance that the owner may see.

        :raises Http404: there is none, or not for them.
        """
        rows = Operation.objects.filter(instance__in=self.visible())
        rows = rows.select_related("instance", "organization", "requester")
        if (operation := rows.filter(pk=pk).first()) is None:
            other = Operation.objects.filter(pk=pk).first()
            raise self._refusal(other and other.subject)
        return operation

    def find_share(self, pk: UUID) -> Share:
        """
        Return a share of an instance that the owner may manage.

        :raises Http404: there is none, or not for them.
        """
        rows = Share.objects.filter(instance__in=self.visible())
        share = rows.select_related("instance", "user", "team", "granted_by").filter(pk=pk).first()
        if share is None:
            other = Share.objects.select_related("instance").filter(pk=pk).first()
            raise self._refusal(other and other.instance)
        access.require(self.user, Action.MANAGE, share.instance)
        return share

    def _refusal(self, row: Model | None) -> Http404:
        """Return what to raise; that something which exists was asked for is recorded."""
        if row is not None:
            operations.note_refusal(self.user, "view", row)
        return Http404()


class ApiKeyHeader:
    """What lets a program in: the header `Authorization: Bearer …`, and the scope that is needed."""

    openapi_security_schema = {"type": "http", "scheme": "bearer", "bearerFormat": "edk_…"}

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def __call__(self, request: HttpRequest) -> Caller:
        """
        Return who calls, and count the request.

        :raises ProblemError: 401 without a good key, 429 for one request too many, 403 without the scope.
        """
        caller = Caller(_known(request))
        structlog.contextvars.bind_contextvars(api_key=caller.key.prefix)
        allowance = operations.count_request(caller.key)
        cast(Any, request).allowance = allowance
        if allowance.is_spent:
            detail = f"This key may make {allowance.most} requests a minute."
            raise ProblemError(429, "too-many-requests", detail)
        if not getattr(caller.key, SCOPE_COLUMNS[self.scope]):
            operations.note_refusal(caller.user, f"scope {self.scope.value}", caller.key)
            detail = f"This key has not the scope “{self.scope.value}”."
            told = f'{CHALLENGE}, error="insufficient_scope", scope="{self.scope.value}"'
            raise ProblemError(403, "scope-missing", detail, headers={"WWW-Authenticate": told})
        return caller


def _known(request: HttpRequest) -> ApiKey:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text:
        detail = "Send a key: Authorization: Bearer edk_…"
        raise ProblemError(401, "key-missing", detail, headers={"WWW-Authenticate": CHALLENGE})
    address = str(structlog.contextvars.get_contextvars().get("address", ""))
    try:
        return operations.know_api_key(text.strip(), address=address)
    except operations.KeyRefusedError as error:
        told = f'{CHALLENGE}, error="invalid_token"'
        headers = {"WWW-Authenticate": told}
        raise ProblemError(401, "key-refused", str(error), headers=headers) from None


def caller_of(request: HttpRequest) -> Caller:
    """Return who calls, once the key was looked at."""
    return cast(Caller, cast(Any, request).auth)
