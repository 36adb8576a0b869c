"""A value that must not be seen by accident."""

from typing import NoReturn


class Secret:
    """
    Hold a plaintext secret so that only an explicit `reveal()` shows it.

    Printing, formatting, pickling, copying into JSON and iterating are refused or give a mask,
    so that a log line, a traceback with values or a serializer meets nothing worth having.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the plaintext; the caller keeps it in the smallest scope that works."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret('********')"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret is not serialized.")
