"""Organizations with their write-only secrets, and who belongs to them."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from instances import hosts, operations
from instances.forms.organizations import SECRETS, secret_help, secret_input, why_secrets_needed
from instances.models import Organization
from instances.operations import SecretPair
from instances.secret import Secret


class OrganizationAdminForm(forms.ModelForm[Organization]):
    """An organization; its secrets can be typed here and are never shown."""

    typed_user_secret = forms.CharField(
        label="User secret", required=False, max_length=1000, widget=secret_input()
    )
    typed_organization_secret = forms.CharField(
        label="Organization secret", required=False, max_length=1000, widget=secret_input()
    )

    class Meta:
        model = Organization
        fields = (
            *("name", "base_url", "environment_label", "calls_in_flight"),
            *("asks_reason", "is_active"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = None if self.instance._state.adding else self.instance
        self.stored_origin = self.stored.origin if self.stored else ""
        for name in SECRETS:
            if f"typed_{name}" in self.fields:
                self.fields[f"typed_{name}"].help_text = secret_help(self.stored)

    def clean_base_url(self) -> str:
        """Return the address in its one form."""
        try:
            return hosts.normalize(self.cleaned_data["base_url"])
        except hosts.HostRefusedError as error:
            raise ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        """Want both secrets or none; both where the address leads elsewhere."""
        cleaned = self.cleaned_data
        given = [name for name in SECRETS if (cleaned.get(f"typed_{name}") or "").strip()]
        base_url = cleaned.get("base_url")
        is_moving = bool(base_url) and hosts.origin(str(base_url)) != self.stored_origin
        if (given or is_moving) and len(given) < len(SECRETS):
            for name in set(SECRETS) - set(given):
                reason = why_secrets_needed(self.stored, is_given=bool(given))
                label = self.fields[f"typed_{name}"].label
                self.add_error(f"typed_{name}", f"{label} is missing. {reason}".strip())
        return cleaned

    def changes(self) -> dict[str, Any]:
        """Return what the operations need."""
        names = ("name", "base_url", "environment_label", "calls_in_flight", "asks_reason")
        secrets = [Secret(self.cleaned_data[f"typed_{name}"] or "") for name in SECRETS]
        return {name: self.cleaned_data[name] for name in names} | {"secrets": SecretPair(*secrets)}


KNOWN = (
    "account",
    "secrets_set_at",
    "secrets_refused_at",
    "breaker",
    "failures",
    "paused_until",
    "audited_at",
    "audit_due_at",
)


@admin.register(Organization)
class OrganizationAdmin(admin.ModelAdmin[Organization]):
    """Organizations; sealed columns are in no list and no form."""

    form = OrganizationAdminForm
    list_display = (
        "name",
        "environment_label",
        "base_url",
        "is_active",
        "secrets_refused_at",
        "breaker",
    )
    list_filter = ("is_active",)
    search_fields = ("name", "base_url")
    ordering = ("name",)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Organization | None = None
    ) -> tuple[str, ...]:
        """Show what is known of it once it exists."""
        return KNOWN if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Organization | None = None) -> bool:
        """Its instances stay on the platform: an organization is put out of use, not deleted."""
        return False

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: bool) -> None:
        """Call the same operations as the pages."""
        actor = cast(User, request.user)
        if not change:
            made = operations.create_organization(
                actor=actor, is_active=form.cleaned_data["is_active"], **form.changes()
            )
            obj.pk, obj.created_at = made.pk, made.created_at
            obj._state.adding = False
            return
        # The form has already changed `obj`; the operation compares with what is stored.
        operations.apply_organization_change(
            actor=actor,
            organization=Organization.objects.get(pk=obj.pk),
            is_active=form.cleaned_data["is_active"],
            **form.changes(),
        )
