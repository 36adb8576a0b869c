"""What is only looked at: instances, operations, attempts, the audit record."""

from typing import cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest

from instances import access, operations, tasks
from instances.admin.read_only import ReadOnlyAdmin
from instances.models import Attempt, AuditEntry, Finding, Instance, Operation


@admin.register(Instance)
class InstanceAdmin(ReadOnlyAdmin[Instance]):
    """Facts about instances; the sealed token has no place here."""

    list_display = ("name", "remote_id", "element_key", "environment", "status", "organization")
    list_filter = ("status", "environment", "organization", "is_disabled")
    list_select_related = ("organization",)
    search_fields = ("name", "element_key", "=remote_id", "tags__name")
    exclude = ("token",)


@admin.register(Operation)
class OperationAdmin(ReadOnlyAdmin[Operation]):
    """Operations with where they stand; their credentials have no place here."""

    list_display = ("__str__", "state", "problem", "organization", "requester", "created_at")
    list_filter = ("state", "kind", "organization")
    list_select_related = ("instance", "finding", "organization", "requester")
    search_fields = ("instance__name", "=tag", "attempts__request_id")
    actions = ("look_now", "ring_the_doorbell")

    @admin.action(description="Look now for lost answers", permissions=["view"])
    def look_now(self, request: HttpRequest, queryset: QuerySet[Operation]) -> None:
        """Ask the worker to look now, as the button on the instance's page does."""
        asked = refused = 0
        for operation in queryset.filter(instance__isnull=False).select_related("instance"):
            try:
                asked += operations.request_look(
                    actor=cast(User, request.user), instance=operation.made
                )
            except access.NotAllowedError:
                refused += 1
        self.message_user(request, f"Looking for {asked} lost answers.", messages.INFO)
        if refused:
            text = f"{refused} left out: your role in their organization does not include it."
            self.message_user(request, text, messages.WARNING)

    @admin.action(description="Ring the doorbell", permissions=["view"])
    def ring_the_doorbell(self, request: HttpRequest, queryset: QuerySet[Operation]) -> None:
        """Wake a worker; what is due is in the rows, so one ring is enough for all."""
        first = queryset.first()
        if first is not None:
            tasks.ring(first.pk)
            self.message_user(request, "A worker is asked to do what is due.", messages.INFO)


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin[Attempt]):
    """Every request that may have created something."""

    list_display = ("__str__", "operation", "http_status", "request_id", "started_at", "duration")
    list_filter = ("outcome", "operation__state", "operation__organization")
    list_select_related = ("operation__instance", "operation__finding")
    search_fields = ("operation__instance__name", "=request_id", "=operation__tag")


@admin.register(Finding)
class FindingAdmin(ReadOnlyAdmin[Finding]):
    """What was seen on the platform and is no instance here; decided about on its page."""

    list_display = ("__str__", "kind", "verdict", "organization", "first_seen_at", "last_seen_at")
    list_filter = ("verdict", "kind", "organization")
    list_select_related = ("organization",)
    search_fields = ("name", "=remote_id", "=tag")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin[AuditEntry]):
    """Who did what; nobody changes it here."""

    list_display = ("at", "actor_name", "action", "object_type", "object_name", "result")
    list_filter = ("result", "at")
    search_fields = ("actor_name", "action", "object_name", "=object_id", "=request_id")
