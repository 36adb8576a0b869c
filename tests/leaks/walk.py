"""Every page, as everybody: opened, posted to without proof, and posted to with nothing but secrets."""

from tests.leaks.journey import Journey
from tests.leaks.visitor import Visitor

SIGN_OUT = ("instances:sign_out", "admin:logout")
PASSED = {200, 301, 302, 403, 405, 409, 422, 503}
SECRET_FIELDS = (
    *("password", "client_secret", "signature_key", "user_secret", "organization_secret"),
    *("typed_user_secret", "typed_organization_secret", "old_password", "new_password1"),
    *("new_password2", "password1", "password2"),
)


def walk(journey: Journey, everybody: list[Visitor], root: Visitor) -> None:
    """Open and post to every address; complain about one that nobody could reach."""
    found = journey.product.addresses()
    if set(found["caches"]) != {"django.core.cache.backends.locmem.LocMemCache"}:
        journey.record.complaints.append(f"no search of the caches {found['caches']}")
    pages: dict[str, list[str]] = found["pages"]
    for name, paths in pages.items():
        statuses = {v.get(path).status_code for v in everybody for path in paths}
        statuses |= {root.forge(path, **typed(journey)).status_code for path in paths[:1]}
        if not statuses & PASSED:
            journey.record.complaints.append(f"nobody reached {name}: {sorted(statuses)}")
    post_secrets(journey, root, pages)


def post_secrets(journey: Journey, root: Visitor, pages: dict[str, list[str]]) -> None:
    """Fill nothing but the fields for secrets, everywhere; what needs more is refused."""
    for name, paths in pages.items():
        if name in SIGN_OUT:
            continue
        for path in paths[:2]:
            root.post(path, **typed(journey))
    if not root.is_signed_in:
        journey.record.complaints.append("the walk ended signed out")


def typed(journey: Journey) -> dict[str, str]:
    """Return a different secret for each field, the same in each form."""
    planted = journey.planted
    names = {field: f"walked {field.replace('_', ' ')}" for field in SECRET_FIELDS}
    return {
        field: str(planted.values.get(name) or planted.secret(name))
        for field, name in names.items()
    }
