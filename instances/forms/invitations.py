"""Invite somebody; make an account with a link."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError

from instances.models import Role

ROLES = [
    (Role.VIEWER.value, "Viewer: sees every instance of the organization"),
    (Role.OPERATOR.value, "Operator: also creates them, and reveals their tokens"),
    (Role.ADMIN.value, "Admin: also manages all of them, its secrets and its people"),
]
PLAIN = {"autocapitalize": "none", "spellcheck": "false"}
TAKEN = "Somebody has this user name: choose another one."


class InvitationForm(forms.Form):
    """Whom, and as what."""

    email = forms.EmailField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": "E-mail address is missing.",
            "invalid": "This is not an e-mail address.",
        },
    )
    role = forms.ChoiceField(
        label="What they may do",
        choices=ROLES,
        initial=Role.VIEWER.value,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what they may do."},
    )


class NewAccountForm(forms.Form):
    """User name and password of one's own."""

    username = forms.CharField(
        label="User name",
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        widget=forms.TextInput(attrs={"autocomplete": "username", **PLAIN}),
        error_messages={"required": "User name is missing."},
    )
    password = forms.CharField(
        max_length=1000,
        strip=False,
        help_text="At least 15 characters: four words or more are good.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": "Password is missing."},
    )
    again = forms.CharField(
        label="Password again",
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": "Password again is missing."},
    )

    def __init__(self, data: Any = None, *, email: str) -> None:
        super().__init__(data)
        self.email = email

    def clean_username(self) -> str:
        """Refuse a name that somebody has, in whatever case."""
        username = str(User.normalize_username(self.cleaned_data["username"]))
        if User.objects.filter(username__iexact=username).exists():
            raise ValidationError(TAKEN)
        return username

    def clean(self) -> dict[str, Any]:
        """Want a good password, twice the same."""
        typed = self.cleaned_data
        password = typed.get("password")
        if password:
            person = User(username=typed.get("username", ""), email=self.email)
            try:
                validate_password(password, person)
            except ValidationError as error:
                self.add_error("password", error)
            if "again" in typed and typed["again"] != password:
                self.add_error("again", "The two passwords differ.")
        return typed

    def say_taken(self) -> None:
        """Say that the name was taken in this moment."""
        self.add_error("username", TAKEN)
