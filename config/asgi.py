"""The asynchronous web server's door."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_asgi_application()

# Models can be imported only once the application is set up.
from instances import crash_points, vault  # noqa: E402  # only once the application is set up

crash_points.stop_if_refused()
vault.stop_unless_ready()
