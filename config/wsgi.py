"""The web server's door."""

import gc
import os
import sys

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

# Models can be imported only once the application is set up.
from instances import crash_points, vault  # noqa: E402  # only once the application is set up

# What gunicorn ends with when its worker does; after any other code it would start the next, for ever.
GUNICORN_ENDS = 3

try:
    crash_points.stop_if_refused()
    vault.stop_unless_ready()
except SystemExit:
    sys.exit(GUNICORN_ENDS)

# What is loaded by now lasts as long as the process: looking at it again would hold pages up.
gc.collect()
gc.freeze()
