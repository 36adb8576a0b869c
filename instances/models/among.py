"""Ask for many numbers at once with one parameter, where a list of hundreds would cost more than its answer."""

from collections.abc import Iterable
from typing import Any

from django.db.models import BigIntegerField, Lookup


def among(numbers: Iterable[int]) -> str:
    """Return what `number__among` takes."""
    return ",".join(map(str, numbers))


@BigIntegerField.register_lookup
class Among(Lookup[Any]):
    """The number is one of these; each database reads them from one text."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        number, parameters = self.process_lhs(compiler, connection)
        if connection.vendor == "sqlite":
            return f"{number} IN (SELECT value FROM json_each(%s))", [*parameters, f"[{self.rhs}]"]
        return f"{number} = ANY(%s::bigint[])", [*parameters, f"{{{self.rhs}}}"]
