"""What a person allows at a provider for one operation: the way there, and what came back."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from instances.models.operation import Operation
from instances.models.states import FINAL


class ConsentProtocol(models.TextChoices):
    """How the provider asks."""

    OAUTH1 = "oauth1", "OAuth 1"
    OAUTH2 = "oauth2", "OAuth 2"


class ConsentQuerySet(models.QuerySet["Consent"]):
    """Questions asked of consents, and their end."""

    def open(self) -> "ConsentQuerySet":
        """Those that somebody may still come back with, by the database's clock."""
        return self.filter(returned_at=None, expires_at__gt=Now()).exclude(state_print="")

    def left_over(self) -> "ConsentQuerySet":
        """Those whose operation has ended, and that still hold something."""
        return self.exclude(way="", answer="").filter(operation__state__in=FINAL)

    def erase(self) -> int:
        """Forget way and answer; the fingerprints stay, by which a late return is known."""
        return self.update(way="", answer="")


class Consent(models.Model):
    """
    One consent, asked for once or anew after its code was spent without an instance.

    The code is here only between the person's return and the request that carries it.
    """

    sealed_fields: ClassVar = ("way", "answer")

    operation = models.OneToOneField(
        Operation, on_delete=models.CASCADE, primary_key=True, related_name="consent"
    )
    protocol = models.CharField(max_length=6, choices=ConsentProtocol.choices)
    # Sealed: the address of the provider's page, and what OAuth 1 needs besides to finish.
    way = models.TextField(blank=True, default="", editable=False)
    # Where that page is, for people to read before they go there.
    host = models.CharField(max_length=255, blank=True, default="")
    # Keyed fingerprints: of our state, of OAuth 1's request token, of the browser's session.
    state_print = models.CharField(max_length=64, blank=True, default="", editable=False)
    token_print = models.CharField(max_length=64, blank=True, default="", editable=False)
    session_print = models.CharField(max_length=64, blank=True, default="", editable=False)
    # Sealed: what the provider sent back with the person.
    answer = models.TextField(blank=True, default="", editable=False)
    # How often the way to the provider was asked for.
    rounds = models.PositiveSmallIntegerField(default=0)
    left_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    returned_at = models.DateTimeField(null=True, blank=True)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["operation"],
                condition=~Q(way="", answer=""),
                name="consent_holds_something",
            ),
            models.Index(fields=["token_print"], name="consent_by_token"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(protocol__in=ConsentProtocol.values), name="consent_protocol_is_known"
            ),
            models.CheckConstraint(
                condition=(Q(way="") | Q(way__startswith="ce1."))
                & (Q(answer="") | Q(answer__startswith="ce1.")),
                name="consent_is_sealed",
            ),
            models.CheckConstraint(
                condition=Q(answer="") | Q(returned_at__isnull=False),
                name="consent_answer_came_back",
            ),
            models.UniqueConstraint(
                fields=["state_print"], condition=~Q(state_print=""), name="consent_state_once"
            ),
        ]

    def __str__(self) -> str:
        return f"Consent for {self.operation_id}"

    @property
    def sealing_context(self) -> str:
        """The organization and the exact request that the consent is for."""
        return f"{self.operation.organization_id}|{self.operation.payload_digest}"

    @property
    def is_waiting(self) -> bool:
        """Whether the person's turn is now: the way is known, and nobody came back yet."""
        is_known = bool(self.way) and self.returned_at is None
        return is_known and self.expires_at is not None and self.expires_at > timezone.now()
