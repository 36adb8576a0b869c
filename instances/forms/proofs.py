"""Show who one is: by password, by a code, or by what a passkey signed."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from instances import operations
from instances.assurance import has_second_factor
from instances.forms.signing_in import too_many
from instances.passkeys import NotProvenError, Place

CODE = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}


class ProofForm(forms.Form):
    """A code of the app or from the paper, or what a passkey signed; tries are counted before comparing."""

    code = forms.CharField(
        label="Code",
        required=False,
        max_length=40,
        help_text="Six digits of your authenticator app, or one of your recovery codes.",
        widget=forms.TextInput(attrs=CODE),
    )
    credential = forms.CharField(required=False, widget=forms.HiddenInput)
    is_throttled = False
    how = ""

    def __init__(
        self, data: Any = None, *, user: User, address: str, place: Place, kept: Any
    ) -> None:
        super().__init__(data)
        self.user, self.address, self.place, self.kept = user, address, place, kept

    def clean(self) -> dict[str, Any]:
        """Compare what was shown; return nothing of it."""
        try:
            self._compare()
        except operations.TooManyTriesError as error:
            self.is_throttled = True
            raise ValidationError(too_many(error)) from error
        return {}

    def _compare(self) -> None:
        shown = {name: str(self.cleaned_data.get(name) or "") for name in ("code", "credential")}
        if shown["credential"]:
            self._compare_passkey(shown["credential"])
        elif shown["code"]:
            self._compare_code(shown["code"])
        else:
            self.add_error("code", "Code is missing.")

    def _compare_passkey(self, answer: str) -> None:
        try:
            operations.check_passkey(
                user=self.user, place=self.place, kept=self.kept, answer=answer
            )
        except NotProvenError as error:
            text = "That passkey did not work here. Try again, or use a code."
            raise ValidationError(text) from error
        self.how = "passkey"

    def _compare_code(self, code: str) -> None:
        try:
            operations.check_code(user=self.user, code=code, address=self.address)
        except operations.WrongCodeError:
            self.add_error("code", "This code is wrong, or it was used before.")
        else:
            self.how = "code"


class ConfirmForm(ProofForm):
    """One's password once more, or a second factor instead."""

    password = forms.CharField(
        required=False,
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    field_order = ("password", "code", "credential")

    def __init__(self, data: Any = None, *, device: str, **options: Any) -> None:
        super().__init__(data, **options)
        self.device = device
        self.has_factor = has_second_factor(self.user)
        if not self.has_factor:
            del self.fields["code"], self.fields["credential"]
        if not self.user.has_usable_password():
            del self.fields["password"]

    def _compare(self) -> None:
        password = str(self.cleaned_data.get("password") or "")
        if not password and (self.cleaned_data.get("code") or self.cleaned_data.get("credential")):
            super()._compare()
        elif not password:
            self.add_error(next(iter(self.fields), None), "Password is missing.")
        elif not operations.confirm_password(
            actor=self.user, password=password, address=self.address, device=self.device
        ):
            self.add_error("password", "This is not your password.")


class AppForm(forms.Form):
    """The first code of an app."""

    code = forms.CharField(
        label="Code that the app shows",
        max_length=20,
        widget=forms.TextInput(attrs={**CODE, "inputmode": "numeric"}),
        error_messages={"required": "Code is missing."},
    )
    is_throttled = False
    codes: list[str]

    def __init__(self, data: Any = None, *, actor: User, address: str) -> None:
        super().__init__(data)
        self.actor, self.address = actor, address

    def clean_code(self) -> str:
        """Take the app into use."""
        code = self.cleaned_data["code"]
        try:
            self.codes = operations.confirm_app(actor=self.actor, code=code, address=self.address)
        except operations.TooManyTriesError as error:
            self.is_throttled = True
            raise ValidationError(too_many(error)) from error
        except operations.WrongCodeError as error:
            text = "This is not its code. Is the clock of the phone right?"
            raise ValidationError(text) from error
        return ""


class PasskeyForm(forms.Form):
    """A new passkey, as the browser made it, and what one calls it."""

    name = forms.CharField(
        label="What you call it",
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Blue key"}),
        error_messages={"required": "What you call it is missing."},
    )
    credential = forms.CharField(
        widget=forms.HiddenInput,
        error_messages={"required": "The browser has not made a passkey yet."},
    )
