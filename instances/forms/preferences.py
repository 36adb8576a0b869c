"""How somebody wants to be told: for each kind in the bell or not, and by which mail."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django import forms
from django.contrib.auth.models import User
from django.forms import BoundField

from instances.models import MailChoice, NoticeKind, preferences_of

MEANINGS = {
    NoticeKind.CREATED: "An instance that you asked for is ready.",
    NoticeKind.FAILED: "A request was refused, and will not be tried again.",
    NoticeKind.UNKNOWN: "An answer was lost, and is being looked up.",
    NoticeKind.ACTION_NEEDED: "It goes on only when somebody decides or repairs.",
    NoticeKind.RECOVERED: "What needed somebody does not any more.",
    NoticeKind.SHARED: "Somebody shared an instance with you or your team.",
    NoticeKind.SHARE_EXPIRING: "A share ends in three days, and in one day.",
    NoticeKind.SECRETS_REFUSED: "The platform refuses an organization that you administer.",
    NoticeKind.WEBHOOK_OFF: "Nothing reached a webhook of an organization that you administer.",
}


class Line(NamedTuple):
    """One kind, and its two fields."""

    kind: NoticeKind
    meaning: str
    bell: BoundField
    mail: BoundField


class PreferencesForm(forms.Form):
    """Two fields for each kind."""

    def __init__(self, data: Any = None, *, user: User) -> None:
        super().__init__(data)
        chosen = preferences_of([user.pk], NoticeKind.values)
        for kind in NoticeKind:
            mine = chosen[user.pk, kind.value]
            self.fields[f"bell_{kind.value}"] = forms.BooleanField(
                label=f"{kind.label}: in the bell", required=False, initial=mine.is_in_app
            )
            self.fields[f"mail_{kind.value}"] = forms.ChoiceField(
                label=f"{kind.label}: e-mail", choices=MailChoice.choices, initial=mine.mail
            )

    def lines(self) -> Iterator[Line]:
        """Yield the lines of the table."""
        for kind in NoticeKind:
            bell, mail = self[f"bell_{kind.value}"], self[f"mail_{kind.value}"]
            yield Line(kind, MEANINGS[kind], bell, mail)

    def chosen(self) -> dict[NoticeKind, tuple[bool, MailChoice]]:
        """Return what `operations.choose` needs."""
        typed = self.cleaned_data
        return {
            kind: (typed[f"bell_{kind.value}"], MailChoice(typed[f"mail_{kind.value}"]))
            for kind in NoticeKind
        }
