"""What was read from the platform: health, lists, catalog, logs, and secrets being checked."""

from typing import cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest

from instances import access, operations
from instances.admin.read_only import ReadOnlyAdmin
from instances.models import (
    Candidate,
    Element,
    Health,
    HealthCheck,
    ListedInstance,
    PlatformEntry,
)
from instances.operations import NotTestableError


@admin.register(Health)
class HealthAdmin(ReadOnlyAdmin[Health]):
    """How each instance is doing, and when it is looked at next."""

    list_display = ("instance", "state", "problem", "since", "checked_at", "due_at")
    list_filter = ("state", "organization")
    list_select_related = ("instance",)
    search_fields = ("instance__name", "=problem", "=instance__remote_id")
    actions = ("test_now",)

    @admin.action(description="Test now", permissions=["view"])
    def test_now(self, request: HttpRequest, queryset: QuerySet[Health]) -> None:
        """Ask a worker for a test, as the button on the instance's page does."""
        asked = refused = 0
        for health in queryset.select_related("instance__organization"):
            try:
                asked += operations.request_test(
                    actor=cast(User, request.user), instance=health.instance
                )
            except (access.NotAllowedError, NotTestableError):
                refused += 1
        self.message_user(request, f"{asked} will be tested now.", messages.INFO)
        if refused:
            text = f"{refused} left out: not active, or your role does not include it."
            self.message_user(request, text, messages.WARNING)


@admin.register(HealthCheck)
class HealthCheckAdmin(ReadOnlyAdmin[HealthCheck]):
    """Every look at an instance that is still kept."""

    list_display = ("instance", "at", "method", "result", "problem", "http_status", "latency_ms")
    list_filter = ("result", "method", "instance__organization")
    list_select_related = ("instance",)
    search_fields = ("instance__name", "=request_id", "=problem")


@admin.register(ListedInstance)
class ListedInstanceAdmin(ReadOnlyAdmin[ListedInstance]):
    """The platform's lists, line by line; what differs is decided on the organization's page."""

    list_display = ("name", "remote_id", "element_key", "standing", "organization", "last_seen_at")
    list_filter = ("standing", "organization")
    list_select_related = ("organization",)
    search_fields = ("name", "element_key", "=remote_id")


@admin.register(Element)
class ElementAdmin(ReadOnlyAdmin[Element]):
    """The catalogs as they were read."""

    list_display = ("name", "element_key", "hub", "authentication", "organization", "gone_at")
    list_filter = ("is_active", "organization")
    list_select_related = ("organization",)
    search_fields = ("name", "element_key", "hub")


@admin.register(PlatformEntry)
class PlatformEntryAdmin(ReadOnlyAdmin[PlatformEntry]):
    """Lines of the platform's audit log and usage."""

    list_display = ("at", "kind", "method", "path", "status", "user", "instance")
    list_filter = ("kind", "is_failed", "instance__organization")
    list_select_related = ("instance",)
    search_fields = ("instance__name", "path", "user", "=address", "=request_id")


@admin.register(Candidate)
class CandidateAdmin(ReadOnlyAdmin[Candidate]):
    """Secrets that are being checked; the sealed pair has no place here."""

    list_display = ("organization", "state", "account_name", "person", "asked_by", "asked_at")
    list_filter = ("state",)
    list_select_related = ("organization", "asked_by")
    search_fields = ("organization__name", "account_name", "person")
    exclude = ("user_secret", "organization_secret")
