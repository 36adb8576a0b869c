"""Who belongs to organizations and teams, in Django admin: by the same operations as on the pages."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from instances import operations
from instances.forms.people import LAST_ADMIN
from instances.models import Membership, Role, Team


class MembershipAdminForm(forms.ModelForm[Membership]):
    """A person's role; an organization keeps an admin."""

    class Meta:
        model = Membership
        fields = ("user", "organization", "role")

    def clean_role(self) -> str:
        """Refuse to leave an organization without an admin."""
        role = str(self.cleaned_data["role"])
        with transaction.atomic():
            is_stored = not self.instance._state.adding
            if is_stored and role != Role.ADMIN and operations.is_last_admin(self.instance):
                raise ValidationError(LAST_ADMIN)
        return role


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin[Membership]):
    """Who belongs to which organization, in which role."""

    form = MembershipAdminForm
    list_display = ("user", "organization", "role", "created_at")
    list_filter = ("role", "organization")
    list_select_related = ("user", "organization")
    search_fields = ("user__username", "user__email", "organization__name")
    raw_id_fields = ("user",)
    ordering = ("organization__name", "user__username")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Membership | None = None
    ) -> tuple[str, ...]:
        """Only the role changes: another person is another membership."""
        return ("user", "organization") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        """Keep an admin in each organization."""
        allowed = super().has_delete_permission(request, obj)
        if obj is None or not allowed:
            return allowed
        with transaction.atomic():
            return not operations.is_last_admin(obj)

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        """Call the same operations as the pages."""
        actor = cast(User, request.user)
        if change:
            stored = Membership.objects.select_related("user", "organization").get(pk=obj.pk)
            operations.assign_role(actor=actor, membership=stored, role=Role(obj.role))
            return
        made = operations.admit(
            actor=actor, organization=obj.organization, user=obj.user, role=Role(obj.role)
        )
        obj.pk, obj.created_at = made.pk, made.created_at

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        operations.release(actor=cast(User, request.user), membership=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        for membership in queryset.select_related("user", "organization"):
            try:
                self.delete_model(request, membership)
            except operations.LastAdminError:
                self.message_user(request, f"{membership}: {LAST_ADMIN}", messages.WARNING)


class TeamAdminForm(forms.ModelForm[Team]):
    """A team; its people as boxes to tick, which need neither script nor practice."""

    members = forms.ModelMultipleChoiceField(
        queryset=User.objects.order_by("username"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Team
        fields = ("name", "organization", "members")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What is shared with it stays shared: with the people of whom is settled once.
        if not self.instance._state.adding and "organization" in self.fields:
            self.fields["organization"].disabled = True


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin[Team]):
    """People to whom instances are shared together; without an organization, of the installation."""

    list_display = ("name", "organization")
    list_filter = ("organization",)
    list_select_related = ("organization",)
    search_fields = ("name", "members__username", "organization__name")
    form = TeamAdminForm
    ordering = ("name",)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Let the operation say who is in it."""
        people = form.cleaned_data["members"]
        operations.compose_team(actor=cast(User, request.user), team=form.instance, people=people)

    def delete_model(self, request: HttpRequest, obj: Team) -> None:
        operations.dissolve_team(actor=cast(User, request.user), team=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Team]) -> None:
        for team in queryset:
            self.delete_model(request, team)
