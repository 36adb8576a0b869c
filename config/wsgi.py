"""The web server's door."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

# Models can be imported only once the application is set up.
from instances import vault  # noqa: E402 - only once the application is set up

vault.stop_unless_ready()
