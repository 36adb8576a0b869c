"""Who belongs to an organization, its teams, and who looks after what somebody leaves."""

from typing import Any, cast

from django import forms
from django.contrib.auth.models import User
from django.db.models import QuerySet

from instances.forms.person import PersonField
from instances.models import Role

ROLES = [
    (Role.VIEWER.value, "Viewer: sees every instance, its configuration and activity"),
    (Role.OPERATOR.value, "Operator: also creates instances, and copies and reveals tokens"),
    (Role.ADMIN.value, "Admin: also manages every instance, people, teams and the secrets"),
]
LAST_ADMIN = "This is the last admin who can sign in: make somebody else an admin first."
ALREADY = "They belong to this organization already."
NO_HEIR = "Choose somebody who may create instances here, and who is not the same person."
TEAM_TAKEN = "There is a team of this name already."


class RoleForm(forms.Form):
    """What a member may do with every instance of the organization."""

    role = forms.ChoiceField(
        choices=ROLES,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose a role."},
    )

    def chosen(self) -> Role:
        """Return the role."""
        return Role(self.cleaned_data["role"])

    def say_last_admin(self) -> None:
        """Say that an admin has to stay; for `operations.LastAdminError`."""
        self.add_error(None, LAST_ADMIN)


class MemberForm(RoleForm):
    """Somebody who has an account, and as what they belong."""

    person = PersonField(error_messages={"required": "Name a person."})
    field_order = ("person", "role")

    def say_already(self) -> None:
        """Say that they belong already; for `operations.MemberAlreadyError`."""
        self.add_error("person", ALREADY)


class HeirForm(forms.Form):
    """Who looks after it next."""

    heir = forms.ModelChoiceField(
        label="New owner",
        queryset=User.objects.none(),
        empty_label="Choose a member",
        error_messages={"required": "Choose who looks after it next."},
    )

    def __init__(
        self, data: Any = None, *, heirs: QuerySet[User], is_optional: bool = False
    ) -> None:
        super().__init__(data)
        field = cast("forms.ModelChoiceField[User]", self.fields["heir"])
        field.queryset = heirs
        if is_optional:
            field.required = False
            field.empty_label = "Nobody: leave it as it is"

    def say_last_admin(self) -> None:
        """Say that an admin has to stay; for `operations.LastAdminError`."""
        self.add_error(None, LAST_ADMIN)

    def say_not(self) -> None:
        """Say who could; for `operations.MayNotInheritError`."""
        self.add_error("heir", NO_HEIR)


class SightForm(forms.Form):
    """Why a token may stay although somebody has seen it."""

    reason = forms.CharField(
        max_length=200,
        error_messages={"required": "Say why it may stay."},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class TeamForm(forms.Form):
    """What a team is called."""

    name = forms.CharField(
        max_length=100,
        error_messages={"required": "Name is missing."},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def say_taken(self) -> None:
        """Say that the name is taken; for `operations.TeamNameTakenError`."""
        self.add_error("name", TEAM_TAKEN)


class TeammateForm(forms.Form):
    """Who joins a team."""

    person = PersonField(error_messages={"required": "Name a person."})
