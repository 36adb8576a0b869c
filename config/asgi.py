"""The asynchronous web server's door."""

import os

from django.core.asgi import get_asgi_application

from config.starting import stop_unless_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_asgi_application()

stop_unless_ready()
