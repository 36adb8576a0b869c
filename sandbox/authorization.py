"""Who calls, by the parts of the Authorization header: User, Organization, Element, Bearer."""

from sandbox.accounts import Account
from sandbox.answers import unauthorized
from sandbox.instances import Instance
from sandbox.platform import Platform

Parts = dict[str, str]


def parse(header: str) -> Parts:
    """
    Take the header apart: names in any case and order.

    `Token` stands for `Element` in one release note of the developer portal, and a public client
    writes a colon behind the name; both are understood.
    """
    parts: Parts = {}
    for part in header.split(","):
        name, _, secret = part.strip().partition(" ")
        name = name.rstrip(":").lower()
        parts["element" if name == "token" else name] = secret.strip()
    return parts


def guess_account(platform: Platform, parts: Parts) -> Account | None:
    """Name the account a request is meant for, even when its secrets will be refused."""
    account = platform.by_user_secret.get(parts.get("user", ""))
    account = account or platform.by_bearer.get(parts.get("bearer", ""))
    if account:
        return account
    instance = platform.shelf.by_token(parts.get("element", ""))
    if instance:
        return platform.accounts[instance.account_id]
    secret = parts.get("organization")
    found = [a for a in platform.accounts.values() if a.organization_secret == secret]
    return found[0] if len(found) == 1 else None


def admit_account(platform: Platform, parts: Parts) -> Account:
    """
    Let a platform call in; a further Element part is tolerated, as the vendor's tests send it.

    :raises PlatformError: 401, whichever secret is wrong.
    """
    if "bearer" in parts:
        account = platform.by_bearer.get(parts["bearer"])
    else:
        account = platform.by_user_secret.get(parts.get("user", ""))
        if account and parts.get("organization") != account.organization_secret:
            account = None
    if account is None:
        raise unauthorized()
    return account


def admit_instance(platform: Platform, parts: Parts) -> tuple[Account, Instance]:
    """
    Let a call in that is addressed by an instance's token.

    :raises PlatformError: 401, also for the token of a deleted instance.
    """
    account = platform.by_user_secret.get(parts.get("user", ""))
    instance = platform.shelf.by_token(parts.get("element", ""))
    if account is None or instance is None or instance.account_id != account.id:
        raise unauthorized()
    if parts.get("organization", account.organization_secret) != account.organization_secret:
        raise unauthorized()
    return account, instance
