"""API keys in Django admin: looked at only; they are made and revoked on their pages."""

from django.contrib import admin

from instances.admin.read_only import ReadOnlyAdmin
from instances.models import ApiKey


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin[ApiKey]):
    """Whose key, for which organization, what it may do and until when."""

    list_display = ("name", "prefix", "owner", "organization", "expires_at", "last_used_at")
    list_filter = ("organization", "may_write", "may_reveal", "may_administer")
    list_select_related = ("owner", "organization")
    search_fields = ("name", "=prefix", "owner__username")
    exclude = ("digest", "client_request_id")
