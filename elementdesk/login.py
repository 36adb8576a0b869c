"""Where the server is and with which key it is asked: from the environment, or as `login` stored it."""

import ipaddress
import json
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from elementdesk.failures import Exit, NotDoneError
from elementdesk.files import replacing

KEY = re.compile(r"edk_[0-9A-Za-z]{56}")
# As the page shows it to copy: the whole header.
HEADER = re.compile(r"^\s*(?:Authorization:\s*)?(?:Bearer\s+)?", re.I)
URL_NAME, KEY_NAME = "ELEMENTDESK_URL", "ELEMENTDESK_KEY"


@dataclass(frozen=True)
class Login:
    """A server's address and a key for it."""

    url: str
    key: str = field(repr=False)

    @property
    def is_plain(self) -> bool:
        """Whether it stays on this machine, without TLS."""
        return self.url.startswith("http:")


def read_url(text: str) -> str:
    """
    Return an address without what does not belong to it.

    :raises NotDoneError: it is none, or the key would cross a network in plain text.
    """
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise NotDoneError(
            Exit.USAGE, "This is no address: give one like https://desk.example.com."
        ) from None
    is_odd = parts.username is not None or parts.query or parts.fragment
    if parts.scheme not in ("http", "https") or not host or port == 0 or is_odd:
        raise NotDoneError(
            Exit.USAGE, "This is no address: give one like https://desk.example.com."
        )
    if parts.scheme == "http" and not _is_loopback(host):
        sentence = "Over http others could read the key: give the address with https://."
        raise NotDoneError(Exit.USAGE, sentence)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_key(text: str) -> str:
    """
    Return the key, also of the whole header in which it was shown.

    :raises NotDoneError: it is none; it is not repeated.
    """
    key = HEADER.sub("", text).strip()
    if not KEY.fullmatch(key):
        sentence = "This is no API key: make one under Account, API keys, and copy all of it."
        raise NotDoneError(Exit.USAGE, sentence)
    return key


def find_login() -> Login:
    """
    Return the login to use; the environment wins.

    :raises NotDoneError: there is none, or it is not one.
    """
    url, key = os.environ.get(URL_NAME, ""), os.environ.get(KEY_NAME, "")
    if url and key:
        return Login(read_url(url), read_key(key))
    stored = _stored()
    if key and stored:
        return Login(stored.url, read_key(key))
    if url and stored and read_url(url) != stored.url:
        # A key is for the server that gave it.
        sentence = f"The stored key is for another server: set {KEY_NAME}, too, or login there."
        raise NotDoneError(Exit.USAGE, sentence)
    if stored is None:
        sentence = f"No server is known: run elementdesk login, or set {URL_NAME} and {KEY_NAME}."
        raise NotDoneError(Exit.USAGE, sentence)
    return stored


def store(login: Login) -> Path:
    """Keep a login for later commands; return the file."""
    path = _path()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        sentence = f"{path.parent} cannot be made ({error.strerror}): set XDG_CONFIG_HOME."
        raise NotDoneError(Exit.USAGE, sentence) from None
    with replacing(path) as replacement:
        replacement.write(json.dumps({"url": login.url, "key": login.key}).encode())
    return path


def _path() -> Path:
    configured = os.environ.get("XDG_CONFIG_HOME", "")
    folder = Path(configured) if os.path.isabs(configured) else Path.home() / ".config"
    return folder / "elementdesk" / "login.json"


def _stored() -> Login | None:
    path = _path()
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            sentence = f"Others may read {path}: replace the key, then run elementdesk login."
            raise NotDoneError(Exit.USAGE, sentence)
        told = json.loads(path.read_text())
        return Login(read_url(told["url"]), read_key(told["key"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        sentence = f"{path} cannot be read: run elementdesk login."
        raise NotDoneError(Exit.USAGE, sentence) from None
