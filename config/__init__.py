"""Settings, URLs, and the three doors: web, worker, command line."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
