"""Two addresses for whoever supervises the process; they tell yes or no and nothing else."""

from celery import current_app
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from instances import fence, vault

BROKER_SECONDS = 2


@login_not_required
@require_safe
def livez(_request: HttpRequest) -> HttpResponse:
    """Say that the process answers."""
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """Say whether everything that a page needs is there."""
    checks = {
        "database": has_database(),
        "keys": has_keys(),
        "broker": has_broker(),
        "fence": _is_unfenced(),
    }
    return JsonResponse(checks, status=200 if all(checks.values()) else 503)


def has_database() -> bool:
    """Tell whether the database answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def has_keys() -> bool:
    """Tell whether the key ring can be read."""
    try:
        vault.ring()
    except vault.KeyRingError:
        return False
    return True


def _is_unfenced() -> bool:
    """Whether work may be sent: no backup was restored, and the copy of the mark can be kept."""
    try:
        return not fence.trouble()
    except DatabaseError:
        return False


def has_broker() -> bool:
    """Tell whether the broker takes a connection, within two seconds."""
    try:
        with current_app.connection_for_write(connect_timeout=BROKER_SECONDS) as broker:
            broker.ensure_connection(
                max_retries=1, interval_start=0, interval_step=0, timeout=BROKER_SECONDS
            )
    except (OperationalError, OSError):
        return False
    return True
