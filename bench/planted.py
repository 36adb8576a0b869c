"""
Plant a crowd and tell how to browse it: python -m tests.started bench.planted 100000.

Answers with a line of JSON: for each viewer a session, and each page's address and number of queries.
"""

import json
import sys
import time
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench.crowd import UNIQUE, UNUSUAL, Crowd
from instances.models import Organization

VIEWERS = ("few", "many", "admin")


def pages(crowd: Crowd) -> dict[str, str]:
    """Return the addresses that are measured, by what they show."""
    organization = Organization.objects.get(name="Organization 00")
    listed = "/instances/"
    return {
        "instances, newest": listed,
        "instances, in the middle": f"{listed}?after={crowd.id_of(crowd.number // 2)}",
        "shared with me": f"{listed}?access=shared",
        "one status": f"{listed}?status=rejected",
        "disabled": f"{listed}?status=disabled",
        "one state of health": f"{listed}?health=action_needed",
        "one organization": f"{listed}?organization={organization.pk}",
        "one element and environment": f"{listed}?element=zuorav2&environment=sandbox",
        "my own": f"{listed}?owner=me",
        "a common tag": f"{listed}?tag=billing",
        "a rare tag": f"{listed}?tag=customer-8",
        "search, common word": f"{listed}?q=billing",
        "search, one in a thousand": f"{listed}?q={UNUSUAL.lower()}",
        "search, a single one": f"{listed}?q={UNIQUE.upper()}",
        "search, nothing found": f"{listed}?q=nowhere-to-be-found",
        "overview": "/",
        "needs attention": "/attention/",
        "activity": "/activity/",
    }


def browse(viewer: str, addresses: dict[str, str]) -> dict[str, Any]:
    """Sign in as a viewer, look at each page once, count its queries."""
    client = Client(headers={"host": settings.ALLOWED_HOSTS[0]})
    client.force_login(User.objects.get(username=viewer))
    counted = {}
    for name, address in addresses.items():
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(address)
        assert answer.status_code == 200, (viewer, address, answer.status_code)
        counted[name] = len(queries)
    return {
        "cookie": f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}",
        "queries": counted,
    }


def main() -> None:
    call_command("migrate", verbosity=0, interactive=False)
    began = time.monotonic()
    crowd = Crowd(int(sys.argv[1]))
    crowd.plant()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")
    addresses = pages(crowd)
    told = {
        "planted": time.monotonic() - began,
        "pages": addresses,
        "viewers": {viewer: browse(viewer, addresses) for viewer in VIEWERS},
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
