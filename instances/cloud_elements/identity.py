"""Whose a pair of secrets is: the account and the person that it opens."""

from dataclasses import dataclass

from instances.cloud_elements.client import CloudElementsClient
from instances.cloud_elements.errors import CloudElementsError, NotFoundError, UnauthorizedError
from instances.cloud_elements.json_text import clean_text
from instances.cloud_elements.refusals import document_of


@dataclass(frozen=True)
class Identity:
    """What the platform tells; empty where it may not be read."""

    organization_id: str = ""
    organization: str = ""
    person: str = ""


def introduce(client: CloudElementsClient) -> Identity:
    """
    Ask whose the secrets are (GET /organizations/me, then GET /users/me where there is one).

    That they are accepted is all that the first question must prove: what a user may not read is
    left out. The answers hold secrets and are not kept.

    :raises UnauthorizedError: the secrets are not accepted (401).
    :raises CloudElementsError: not answered.
    """
    organization = _document(client, "/organizations/me")
    number = organization.get("id")
    is_usable = isinstance(number, int | str) and not isinstance(number, bool)
    return Identity(
        organization_id=clean_text(str(number), 100) if is_usable else "",
        organization=clean_text(organization.get("name"), 200),
        person=_person(client),
    )


def _person(client: CloudElementsClient) -> str:
    try:
        user = _document(client, "/users/me")
    except CloudElementsError:
        # A name is worth less than an answer.
        return ""
    names = [clean_text(user.get(key), 60) for key in ("firstName", "lastName")]
    email = clean_text(user.get("emailAddress") or user.get("email"), 80)
    named = " ".join(name for name in names if name)
    return f"{named} ({email})" if named and email else named or email


def _document(client: CloudElementsClient, path: str) -> dict[str, object]:
    try:
        answer = client.ask(path)
    except UnauthorizedError as error:
        if error.status == 401:
            raise
        return {}
    except NotFoundError:
        return {}
    document = document_of(answer)
    return document if isinstance(document, dict) else {}
