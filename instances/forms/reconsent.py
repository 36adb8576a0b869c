"""Go to the provider again for an instance that exists: which application asks."""

from django import forms

from instances.forms.secrets import SecretField
from instances.forms.spaces import TrimmedField


class ReconsentForm(forms.Form):
    """The application's key and secret, which are not kept here."""

    key = TrimmedField(
        label="API key",
        max_length=1000,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
        error_messages={"required": "API key (oauth.api.key) is missing."},
    )
    secret = SecretField(
        label="API secret",
        error_messages={"required": "API secret (oauth.api.secret) is missing."},
    )

    def wish(self) -> dict[str, str]:
        """Return what `operations.request_instance_reconsent` needs besides."""
        return {"key": self.cleaned_data["key"], "secret": self.cleaned_data["secret"]}
