"""What people sign in with: looked at, and taken away from who lost it; never shown."""

from typing import cast

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest

from instances import operations
from instances.admin.read_only import ReadOnlyAdmin
from instances.models import SecondFactor


@admin.register(SecondFactor)
class SecondFactorAdmin(ReadOnlyAdmin[SecondFactor]):
    """Apps and passkeys; removing somebody's last one removes their recovery codes."""

    list_display = ("user", "name", "kind", "confirmed_at", "used_at")
    list_filter = ("kind",)
    list_select_related = ("user",)
    search_fields = ("user__username", "name")
    ordering = ("user__username",)
    exclude = ("secret",)

    def has_delete_permission(self, request: HttpRequest, obj: SecondFactor | None = None) -> bool:
        """Superusers only: with a password of somebody's it would open their account."""
        return request.user.is_active and request.user.is_superuser

    def delete_model(self, request: HttpRequest, obj: SecondFactor) -> None:
        operations.remove_factor(actor=cast(User, request.user), factor=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[SecondFactor]) -> None:
        for factor in queryset.select_related("user"):
            self.delete_model(request, factor)
