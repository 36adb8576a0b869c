"""Signing in: what is said when it does not succeed is the same whether the name exists or not."""

from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from instances import operations


def too_many(error: operations.TooManyTriesError) -> str:
    """Return what somebody reads who has to wait."""
    minutes = "a minute" if error.minutes == 1 else f"{error.minutes} minutes"
    return f"Too many tries did not succeed. Nothing was compared; try again in {minutes}."


class SignInForm(AuthenticationForm):
    """User name and password; a try is counted before they are compared."""

    tried: operations.Try
    is_throttled = False

    def clean(self) -> dict[str, Any]:
        """Compare them, if it may be tried now."""
        if not (self.cleaned_data.get("username") and self.cleaned_data.get("password")):
            return super().clean()
        self._begin(self.cleaned_data["username"])
        try:
            return super().clean()
        except ValidationError:
            operations.fail_sign_in(self.tried)
            raise

    def _begin(self, name: str) -> None:
        cookies = self.request.COOKIES if self.request else {}
        try:
            self.tried = operations.begin_sign_in(
                name=name,
                address=str(structlog.contextvars.get_contextvars().get("address", "")),
                device=cookies.get(settings.SIGN_IN["DEVICE_COOKIE"], ""),
            )
        except operations.TooManyTriesError as error:
            self.is_throttled = True
            raise ValidationError(too_many(error)) from error
