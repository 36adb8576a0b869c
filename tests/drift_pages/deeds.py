"""An admin sees how instances differ from the platform's list, and says what shall become of it: what its tests share."""

from collections.abc import Callable

from django.db.models.functions import Now
from django.test import Client

from instances.engine import drain, searching
from instances.engine.claims import lease
from instances.models import (
    Instance,
    ListedInstance,
    Operation,
    Organization,
    Standing,
)
from sandbox.running import Account

Ask = Callable[..., Instance]


def synchronize() -> None:
    Organization.objects.update(audit_due_at=Now())
    searching.run()


def work_once() -> None:
    for operation in Operation.objects.claim(worker="test", limit=50, lease=lease()):
        drain.work_on(operation)


def work() -> None:
    while found := Operation.objects.claim(worker="test", limit=50, lease=lease()):
        for operation in found:
            drain.work_on(operation)


def choose(admin: Client, address: str, choice: str, show: str = "changed", **more: str) -> str:
    """Choose all lines of the part, and return the page that follows."""
    rows = [
        str(pk) for pk in ListedInstance.objects.filter(standing=show).values_list("pk", flat=True)
    ]
    form = {"choice": choice, "rows": rows} | more
    response = admin.post(f"{address}?show={show}", form, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def there(account: Account) -> dict[str, object]:
    return account.only_instance()


def standing(admin: Client, address: str) -> str:
    """Return how the only line stands, and that the page of that part has it."""
    line = ListedInstance.objects.get()
    page = admin.get(f"{address}?show={line.standing}").content.decode()
    assert line.standing == Standing.MATCHES or f'value="{line.pk}"' in page
    return str(line.standing)
