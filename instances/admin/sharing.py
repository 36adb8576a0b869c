"""Shares in Django admin, given and ended by the same operations as on the pages."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from instances import access, operations
from instances.access import Action
from instances.models import Instance, Share, ShareLevel


class ShareAdminForm(forms.ModelForm[Share]):
    """A new share; its giver must be allowed to manage the instance."""

    actor: User
    expires_at = forms.DateTimeField(
        label="Until (UTC)",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )

    class Meta:
        model = Share
        fields = ("instance", "user", "team", "level", "expires_at")

    def clean_instance(self) -> Instance:
        """Refuse an instance that the actor may not manage."""
        instance: Instance = self.cleaned_data["instance"]
        if not access.can(self.actor, Action.MANAGE, instance):
            raise ValidationError("You may not manage this instance.")
        return instance

    def clean(self) -> dict[str, Any]:
        """Refuse the team of another organization, and what somebody else gave."""
        cleaned = self.cleaned_data
        team, instance = cleaned.get("team"), cleaned.get("instance")
        if team and instance and team.organization_id not in (None, instance.organization_id):
            self.add_error("team", "This team belongs to another organization.")
        return cleaned


@admin.register(Share)
class ShareAdmin(admin.ModelAdmin[Share]):
    """Who besides the members sees which instance; a share is given or ended, not changed."""

    form = ShareAdminForm
    list_display = ("instance", "recipient", "level", "expires_at", "granted_by", "created_at")
    list_filter = ("level", "instance__organization")
    list_select_related = ("instance", "user", "team", "granted_by")
    search_fields = ("instance__name", "user__username", "team__name")
    raw_id_fields = ("instance", "user", "team")
    ordering = ("-pk",)

    def has_change_permission(self, request: HttpRequest, obj: Share | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Share | None = None) -> bool:
        """As on the pages: whoever manages the instance ends its shares."""
        allowed = super().has_delete_permission(request, obj)
        if obj is None or not allowed:
            return allowed
        return access.can(cast(User, request.user), Action.MANAGE, obj.instance)

    def get_form(
        self, request: HttpRequest, obj: Share | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"actor": request.user})

    def save_model(self, request: HttpRequest, obj: Share, form: Any, change: bool) -> None:
        made = operations.share_instance(
            actor=cast(User, request.user),
            instance=obj.instance,
            level=ShareLevel(obj.level),
            expires_at=obj.expires_at,
            user=obj.user,
            team=obj.team,
        )
        obj.pk = made.pk

    def delete_model(self, request: HttpRequest, obj: Share) -> None:
        operations.remove_share(actor=cast(User, request.user), share=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Share]) -> None:
        for share in queryset.select_related("instance"):
            if self.has_delete_permission(request, share):
                self.delete_model(request, share)
