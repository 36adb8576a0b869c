"""Our tag on the platform: by it a lost answer is found again."""

import base64
import hmac
import re

from instances import vault
from instances.models import Installation, Operation

# Lower-case letters, digits and dashes survive the platform's cleaning of tags.
TAG = re.compile(r"ced-[a-z0-9]{8}-[a-z2-7]{26}-[a-z2-7]{8}")


def tag_for(operation: Operation) -> str:
    """
    Return `ced-<installation>-<operation>-<check>`, unique and not to be guessed.

    The check is keyed, so that nobody in the same account can prepare a tag that we would adopt.
    """
    stem = f"{prefix()}{operation.code}"
    return f"{stem}-{_check(vault.fingerprint(stem, 'tag'))}"


def prefix() -> str:
    """Return how every tag of this installation begins."""
    return f"ced-{Installation.current().code}-"


def is_genuine(tag: str) -> bool:
    """Tell whether this installation gave `tag`, by a key that the ring still holds."""
    stem, _, check = tag.rpartition("-")
    if not is_ours(tag) or not tag.startswith(prefix()):
        return False
    expected = [_check(fingerprint) for fingerprint in vault.fingerprints(stem, "tag")]
    return any(hmac.compare_digest(check, each) for each in expected)


def _check(fingerprint: str) -> str:
    return base64.b32encode(bytes.fromhex(fingerprint[:10])).decode().lower()


def is_ours(tag: str) -> bool:
    """Tell whether a tag has the form that any Elementdesk gives."""
    return TAG.fullmatch(tag) is not None


def without_ours(tags: list[str]) -> list[str]:
    """Return the tags that people gave."""
    return [tag for tag in tags if not is_ours(tag)]
