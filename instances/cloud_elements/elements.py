"""The catalog: which elements there are, and what each asks for when an instance is created."""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from instances.cloud_elements.client import CloudElementsClient
from instances.cloud_elements.documents import MAX_ID
from instances.cloud_elements.errors import NotFoundError, UnavailableError
from instances.cloud_elements.json_text import clean_text
from instances.cloud_elements.refusals import document_of, error_from
from instances.cloud_elements.usage import lines, number

PAGE_SIZE = 50
MOST_PAGES = 100
MOST_SETTINGS = 300
MOST_OPTIONS = 500
# A key becomes part of an address and of a call's path.
KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
TAG = re.compile(r"</?[A-Za-z][^<>]{0,500}>")


@dataclass(frozen=True)
class ListedElement:
    """One line of the catalog; texts are bounded and without markup."""

    key: str
    remote_id: int | None
    name: str
    hub: str
    description: str
    authentication: str
    instructions: str
    is_active: bool

    @classmethod
    def parse(cls, line: Mapping[str, Any]) -> "ListedElement | None":
        """Read a line of GET /elements; None without a key that can stand in a path."""
        key = line.get("key")
        if not isinstance(key, str) or not KEY.fullmatch(key):
            return None
        authentication = line.get("authentication")
        kind = authentication.get("type") if isinstance(authentication, dict) else ""
        return cls(
            key=key,
            remote_id=number(line.get("id"), most=MAX_ID),
            name=clean_text(line.get("name"), 200) or key,
            hub=clean_text(line.get("hub"), 60),
            description=plain(line.get("description"), 1000),
            authentication=clean_text(kind, 40),
            instructions=plain(line.get("configDescription"), 1000),
            is_active=line.get("active") is not False and line.get("deleted") is not True,
        )


@dataclass(frozen=True)
class ElementSetting:
    """One entry that an element's configuration asks for; `options` are pairs of value and words."""

    key: str
    name: str
    description: str
    kind: str
    is_required: bool
    is_hidden: bool
    chooses_group: bool
    group: str
    default: str
    options: list[list[str]]

    @classmethod
    def parse(cls, item: Mapping[str, Any]) -> "ElementSetting | None":
        """Read an item of GET /elements/{k}/configuration; None without a key, or if it is not in use."""
        key = clean_text(item.get("key"), 200)
        # What had to be cut or cleaned is not the platform's key any more.
        if not key or key != item.get("key") or item.get("active") is False:
            return None
        return cls(
            key=key,
            name=clean_text(item.get("name"), 200) or key,
            description=plain(item.get("description"), 1000),
            kind=clean_text(item.get("type"), 40).upper(),
            is_required=True in (item.get("required"), item.get("mandatory")),
            is_hidden=True in (item.get("hideFromConsole"), item.get("internal")),
            chooses_group=item.get("groupControl") is True,
            group=clean_text(item.get("groupName"), 100),
            default=_default(item.get("defaultValue")),
            options=_options(item.get("options")),
        )


def catalog(client: CloudElementsClient) -> Iterator[list[ListedElement]]:
    """
    List the elements that the secrets may use, page by page (GET /elements, abridged).

    The next page is asked for by the token, or by its number where a full page brings no token.

    :raises CloudElementsError: not answered, refused, or not a list; from the page that was not had.
    """
    query, known = {"abridged": "true", "pageSize": str(PAGE_SIZE)}, set[str]()
    for number_of_page in range(1, MOST_PAGES + 1):
        listed, token = lines(client, "/elements", query)
        found = [element for line in listed if (element := ListedElement.parse(line))]
        keys = {element.key for element in found}
        if keys and keys <= known:
            return
        known |= keys
        yield found
        if token and token != query.get("nextPage"):
            query["nextPage"] = token
        elif token or "nextPage" in query or len(listed) < PAGE_SIZE:
            return
        else:
            query["page"] = str(number_of_page + 1)


def settings_of(client: CloudElementsClient, key: str) -> list[dict[str, Any]]:
    """
    Return what an element asks for, as documents that can be stored (GET /elements/{k}/configuration).

    Where there is no such call, the element itself tells (GET /elements/{k}). At most `MOST_SETTINGS`; of two entries with one key the first.

    :raises CloudElementsError: not answered, refused, or not a list.
    """
    try:
        answer = client.ask(f"/elements/{key}/configuration")
        document = document_of(answer)
    except NotFoundError:
        answer = client.ask(f"/elements/{key}")
        whole = document_of(answer)
        document = whole.get("configuration") if isinstance(whole, dict) else None
    if not isinstance(document, list):
        raise error_from(UnavailableError, "garbled", answer)
    found: dict[str, ElementSetting] = {}
    for item in sorted((each for each in document if isinstance(each, dict)), key=_order):
        if len(found) < MOST_SETTINGS and (setting := ElementSetting.parse(item)):
            found.setdefault(setting.key, setting)
    return [asdict(setting) for setting in found.values()]


def _order(item: Mapping[str, Any]) -> int:
    order = number(item.get("displayOrder"), most=MAX_ID)
    return MAX_ID if order is None else order


def _default(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value) if isinstance(value, int | float) else value
    return clean_text(text, 2000)


def _options(value: object) -> list[list[str]]:
    """Return pairs of value and words; a value that had to be cleaned cannot be sent, and is left out."""
    found: dict[str, str] = {}
    for option in value[:MOST_OPTIONS] if isinstance(value, list) else []:
        sent = option.get("value") if isinstance(option, dict) else option
        words = option.get("description") if isinstance(option, dict) else option
        if isinstance(sent, str) and sent and sent == clean_text(sent, 200):
            found.setdefault(sent, plain(words, 200) or sent)
    return [[sent, words] for sent, words in found.items()]


def plain(value: object, limit: int) -> str:
    """Return a text without its HTML tags: real descriptions have links in them."""
    text = value[: 4 * limit] if isinstance(value, str) else ""
    return clean_text(html.unescape(TAG.sub("", text)), limit)
