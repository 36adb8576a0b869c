"""Zuora's switch against the credentials: ask before they go to the wrong environment."""

from django import forms

from instances.models import Environment
from instances.operations import OtherEnvironmentError

ANSWER = "confirms_environment"
TEXT = (
    "“{instance}” signs in to Zuora's {known} with exactly these credentials, but here the switch says "
    "{asked}. Nothing was sent. Turn it {turn} if {known} is meant, and type the secret again."
)
FIXED = (
    "“{instance}” signs in to Zuora's {known} with exactly these credentials, but the new one connects "
    "to the {asked}, like the old one. Nothing was sent. Type those of the {asked}."
)


class EnvironmentQuestion:
    """Whether credentials that are known from Zuora's one environment are meant for the other."""

    def __init__(self, form: forms.Form, switch: str, *, is_fixed: bool = False) -> None:
        self._form, self._switch = form, switch
        # The environment is given, so that no switch is shown: `switch` is where the question stands.
        self.is_fixed = is_fixed

    @property
    def is_asked(self) -> bool:
        """Whether there is, or was, a reason to ask."""
        return self.is_confirmed or self._form.has_error(self._switch, ANSWER)

    @property
    def is_confirmed(self) -> bool:
        """Whether the person said that it is meant so."""
        return self._form.is_bound and self._form.data.get(ANSWER) == "on"

    def say(self, error: OtherEnvironmentError) -> None:
        """Explain beside the switch where the credentials are known from."""
        is_sandbox = error.environment == Environment.SANDBOX
        text = (FIXED if self.is_fixed else TEXT).format(
            instance=error.instance,
            known=error.environment.label.lower(),
            asked="production" if is_sandbox else "sandbox",
            turn="on" if is_sandbox else "off",
        )
        self._form.add_error(self._switch, forms.ValidationError(text, code=ANSWER))
