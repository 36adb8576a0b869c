"""Secrets that shall take the place of an organization's, until the platform was asked about them."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from instances.models.identity import new_id
from instances.models.organization import Organization


class CandidateState(models.TextChoices):
    """How far the new secrets have come."""

    WAITING = "waiting", "Being checked"
    OTHER_ACCOUNT = "other_account", "Another account"
    REFUSED = "refused", "Refused"


class Candidate(models.Model):
    """A new pair for one organization; the present one is used until it has taken its place."""

    sealed_fields: ClassVar = ("user_secret", "organization_secret")

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, primary_key=True, related_name="candidate"
    )
    # Another one for each pair that is entered: what was asked about one says nothing of the next.
    key = models.UUIDField(default=new_id, editable=False)
    # Where they may be sent: the organization moves there along with them.
    base_url = models.CharField(max_length=300)
    user_secret = models.TextField(blank=True, default="", editable=False)
    organization_secret = models.TextField(blank=True, default="", editable=False)
    state = models.CharField(
        max_length=13, choices=CandidateState.choices, default=CandidateState.WAITING
    )
    message = models.CharField(max_length=300, blank=True, default="")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    asked_at = models.DateTimeField(db_default=Now())
    # What the platform said they open, and the account that a person confirmed.
    account = models.CharField(max_length=400, blank=True, default="")
    account_name = models.CharField(max_length=200, blank=True, default="")
    person = models.CharField(max_length=200, blank=True, default="")
    confirmed_account = models.CharField(max_length=400, blank=True, default="")
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=CandidateState.values), name="candidate_state_is_known"
            ),
            # What is refused is erased; what is not may still be needed.
            models.CheckConstraint(
                condition=Q(state=CandidateState.REFUSED, user_secret="", organization_secret="")
                | ~Q(state=CandidateState.REFUSED)
                & Q(user_secret__startswith="ce1.")
                & Q(organization_secret__startswith="ce1."),
                name="candidate_is_sealed_or_erased",
            ),
        ]

    def __str__(self) -> str:
        return f"New secrets of {self.organization}"

    @property
    def sealing_context(self) -> str:
        """What the sealed pair is bound to besides its row: where it may be sent."""
        return "/".join(self.base_url.split("/")[:3])
