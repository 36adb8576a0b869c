"""The platform's catalog as an organization's account shows it, and when it is read."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now
from django.urls import reverse

from instances.models.identity import new_id
from instances.models.instance import Instance
from instances.models.organization import Organization


class ElementQuerySet(models.QuerySet["Element"]):
    """Questions asked of a catalog."""

    def matching(self, sought: str) -> "ElementQuerySet":
        """Those whose name or key contains the text, or whose hub it is; all of them for none."""
        if not sought:
            return self
        named = Q(name__icontains=sought) | Q(element_key__icontains=sought)
        return self.filter(named | Q(hub__iexact=sought))

    def listed(self, organization: Organization | None, sought: str = "") -> "ElementQuerySet":
        """Those of an organization that match, by name and without what each asks for."""
        mine = self.filter(organization=organization).matching(sought)
        return mine.defer("settings").order_by(Lower("name"), "element_key")

    def offered(self, organization: Organization | None, sought: str = "") -> "ElementQuerySet":
        """Those that an instance can be made of, likewise."""
        usable = self.filter(is_active=True, gone_at=None, settings__isnull=False)
        return usable.listed(organization, sought)

    def described(self, instance: Instance) -> "Element | None":
        """Return the element of an instance, if what it asks for is known."""
        mine = self.filter(organization=instance.organization_id, settings__isnull=False)
        return mine.select_related("organization").filter(element_key=instance.element_key).first()


class Element(models.Model):
    """One element of an account's catalog; what vanishes from it is marked, never deleted."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="elements"
    )
    element_key = models.CharField(max_length=100)
    remote_id = models.BigIntegerField("element ID", null=True, blank=True)
    name = models.CharField(max_length=200)
    hub = models.CharField(max_length=60, blank=True, default="")
    description = models.CharField(max_length=1000, blank=True, default="")
    authentication = models.CharField(max_length=40, blank=True, default="")
    instructions = models.CharField(max_length=1000, blank=True, default="")
    is_active = models.BooleanField(default=True)
    # What it asks for, in the platform's order; null until that was read.
    settings = models.JSONField(null=True, blank=True)
    # Why its configuration could not be read last; what was read before is kept.
    problem = models.CharField(max_length=300, blank=True, default="")
    seen_at = models.DateTimeField()
    # Since when the whole catalog does not list it.
    gone_at = models.DateTimeField(null=True, blank=True)

    objects = ElementQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["organization", "name"], name="element_by_name")]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "element_key"], name="element_once_per_organization"
            ),
            models.CheckConstraint(condition=~Q(element_key=""), name="element_has_a_key"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("instances:element", args=[self.organization_id, self.element_key])

    @property
    def asked_for(self) -> list[dict[str, Any]]:
        """The entries that a person fills in, in the platform's order."""
        return [each for each in self.settings or [] if not each["is_hidden"]]


class CatalogReading(models.Model):
    """When an organization's catalog is read, and how that went last."""

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, primary_key=True, related_name="catalog_reading"
    )
    due_at = models.DateTimeField(db_default=Now())
    # Since when somebody waits for it.
    asked_at = models.DateTimeField(null=True, blank=True)
    # When the whole catalog was read last.
    read_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="catalog_reading_due")]

    def __str__(self) -> str:
        return f"Catalog of {self.organization_id}"
