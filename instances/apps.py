"""The application that is Elementdesk."""

from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class InstancesConfig(AppConfig):
    """Registers models, system checks and tasks under one name."""

    name = "instances"

    def ready(self) -> None:
        """Load what can only be registered once models exist."""
        from instances.models import search_index

        import_module("instances.checks")  # for what it registers
        post_migrate.connect(search_index.make_after, sender=self)
