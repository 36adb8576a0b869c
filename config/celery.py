"""The Celery application: the doorbell's two ends."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def _how_it_is_used() -> dict[str, Any]:
    """Return what needs no setting: a message carries one id and is only a doorbell; the rows say what to do."""
    return {
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_acks_late": False,
        "task_publish_retry": False,
        "worker_prefetch_multiplier": 1,
        "worker_send_task_events": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "broker_connection_retry_on_startup": True,
        # A broker that answers and refuses, because it is full or only a copy, ends no worker either.
        "broker_channel_error_retry": True,
        # For ever: without a broker a worker finds its work by itself.
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            "visibility_timeout": 3600,
            "socket_timeout": 10,
            "socket_connect_timeout": 2,
            # A page must not wait for a broker that is away: the sweep finds the work.
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0,
        },
    }


app = Celery("elementdesk")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.add_defaults(_how_it_is_used)
app.autodiscover_tasks()
app.steps["worker"].add("instances.tasks:Engine")


@setup_logging.connect
def keep_our_logging(**_kwargs: object) -> None:
    """Leave logging as config.logs set it: Celery adds its own handlers only if nobody listens."""
