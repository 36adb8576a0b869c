"""The web server's door."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

# Models can be imported only once the application is set up.
from instances import crash_points, vault  # noqa: E402  # only once the application is set up

crash_points.stop_if_refused()
vault.stop_unless_ready()

# What is loaded by now lasts as long as the process: looking at it again would hold pages up.
gc.collect()
gc.freeze()
