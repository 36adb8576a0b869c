"""What happened and who was told of it, as administrators look it up."""

from django.contrib import admin

from instances.admin.read_only import ReadOnlyAdmin
from instances.models import Notice, Notification


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin[Notice]):
    """What people are told of."""

    list_display = ("kind", "about", "name", "organization", "at", "spread_at")
    list_filter = ("kind", "organization")
    list_select_related = ("organization",)
    search_fields = ("name", "key")


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin[Notification]):
    """Who was told, whether they have seen it, and what became of the mail."""

    list_display = ("notice", "user", "read_at", "mail", "mail_problem", "mail_tries", "mailed_at")
    list_filter = ("mail", "notice__kind", "notice__organization")
    list_select_related = ("notice", "user")
    search_fields = ("notice__name", "user__username")
