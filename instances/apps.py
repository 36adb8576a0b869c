"""The application that is Elementdesk."""

from django.apps import AppConfig


class InstancesConfig(AppConfig):
    """Registers models, system checks and tasks under one name."""

    name = "instances"

    def ready(self) -> None:
        """Load the checks; they can only be registered once models exist."""
        from instances import checks  # noqa: F401 - imported for what it registers
