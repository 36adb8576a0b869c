"""What happened and who was told of it, as administrators look it up."""

from django.contrib import admin

from instances.admin.read_only import ReadOnlyAdmin
from instances.models import Delivery, Notice, Notification, Webhook


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


@admin.register(Webhook)
class WebhookAdmin(ReadOnlyAdmin[Webhook]):
    """Where an organization's notices go; its admins change that on its pages."""

    list_display = ("name", "organization", "shape", "shown_url", "is_active", "failing_since")
    list_filter = ("shape", "is_active", "organization")
    list_select_related = ("organization",)
    search_fields = ("name", "shown_url")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin[Delivery]):
    """What was sent to webhooks, and what came of it."""

    list_display = ("kind", "webhook", "state", "tries", "due_at", "created_at", "finished_at")
    list_filter = ("state", "webhook__organization")
    list_select_related = ("webhook",)
    search_fields = ("webhook__name", "kind")
