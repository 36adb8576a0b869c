"""What the API answers, checked for its form."""

from typing import Any


def problem(answer: Any, status: int, code: str) -> dict[str, str]:
    """Check the one form of everything that is not done; return its fields."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    told = answer.json()
    assert set(told) == {*("type", "title", "status", "code", "detail", "fields", "request_id")}
    assert (told["status"], told["code"]) == (status, code)
    assert told["request_id"] == answer["X-Request-ID"]
    return {field["name"]: field["problem"] for field in told["fields"]}


def told(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return answer.json()
