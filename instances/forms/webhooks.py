"""A webhook: what it is called, where it is, what is sent there."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from instances import hosts
from instances.models import Webhook, WebhookShape
from instances.models.webhook import HOOKED
from instances.secret import Secret

SHAPES = [
    (WebhookShape.SIGNED.value, "Signed JSON: for a program of yours"),
    (WebhookShape.SLACK.value, "Slack message: for Slack, and what takes the same"),
]
TAKEN = "This organization has a webhook of that name."


class UnrepeatedInput(forms.TextInput):
    """A field whose text is not sent back in a page."""

    def format_value(self, value: Any) -> None:
        return None


class WebhookForm(forms.Form):
    """What a new one needs."""

    name = forms.CharField(max_length=100, help_text="What people call it, such as On-call.")
    shape = forms.ChoiceField(
        label="What is sent",
        choices=SHAPES,
        initial=WebhookShape.SIGNED.value,
        widget=forms.RadioSelect,
    )
    # Never shown again: at Slack whoever knows the address may post.
    url = forms.CharField(
        label="Address",
        max_length=2000,
        help_text="Over https. It is kept sealed; of Slack's only the host is shown again.",
        widget=UnrepeatedInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    kinds = forms.MultipleChoiceField(
        label="What it is told of",
        choices=[(kind.value, kind.label) for kind in HOOKED],
        initial=[kind.value for kind in HOOKED],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one kind."},
    )

    def clean_url(self) -> Secret | None:
        """Refuse an address that nothing may be sent to, without repeating it."""
        typed = self.cleaned_data["url"]
        if not typed:
            return None
        try:
            return Secret(hosts.check_webhook(typed))
        except hosts.HostRefusedError as error:
            raise ValidationError(str(error)) from error

    def say_taken(self) -> None:
        """Say that the name is another one's."""
        self.add_error("name", TAKEN)

    def wish(self) -> dict[str, Any]:
        """Return what the operation needs besides actor and organization or webhook."""
        return self.cleaned_data


class WebhookChangeForm(WebhookForm):
    """What can be changed of one: an empty address stays as it is."""

    is_active = forms.BooleanField(label="Messages are sent", required=False)

    def __init__(self, data: Any = None, *, webhook: Webhook) -> None:
        initial = {name: getattr(webhook, name) for name in ("name", "kinds", "is_active")}
        super().__init__(data, initial=initial)
        del self.fields["shape"]
        self.fields["url"].required = False
        self.fields["url"].label = "New address"
        self.fields["url"].help_text = "Empty: it stays as it is."
