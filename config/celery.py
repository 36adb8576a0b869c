"""The Celery application: the doorbell's two ends."""

import os

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("elementdesk")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add("instances.tasks:Engine")


@setup_logging.connect
def keep_our_logging(**_kwargs: object) -> None:
    """Leave logging as config.logs set it: Celery adds its own handlers only if nobody listens."""
