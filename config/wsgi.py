"""The web server's door."""

import gc
import os
import sys

from django.core.wsgi import get_wsgi_application

from config.starting import stop_unless_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

# What gunicorn ends with when its worker does; after any other code it would start the next, for ever.
GUNICORN_ENDS = 3

try:
    stop_unless_ready()
except SystemExit:
    sys.exit(GUNICORN_ENDS)

# What is loaded by now lasts as long as the process: looking at it again would hold pages up.
gc.collect()
gc.freeze()
