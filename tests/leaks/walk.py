"""Every page, as everybody: opened, posted to without proof, and posted to with nothing but secrets."""

import requests

from tests.leaks.journey import Journey
from tests.leaks.visitor import Visitor

# What would take away what the rest of the run needs; somebody does it elsewhere in the run.
APART = (
    *("instances:sign_out", "admin:logout", "instances:admin_sign_out"),
    *("instances:factor_remove", "admin:instances_secondfactor_delete"),
    *("instances:key_revoke", "admin:instances_apikey_delete", "instances:sso_disconnect"),
)
PASSED = {200, 202, 204, 301, 302, 409, 422, 503}
# Who is led there has not reached what was asked for.
DOORS = ("/sign-in/?", "/sign-in/confirm/", "/account/factors/")
SECRET_FIELDS = (
    *("password", "client_secret", "signature_key", "user_secret", "organization_secret"),
    *("typed_user_secret", "typed_organization_secret", "old_password", "new_password1"),
    *("new_password2", "password1", "password2", "again", "url"),
)


def walk(journey: Journey, everybody: list[Visitor]) -> None:
    """Open and post to every address as root first; complain about one that nobody could reach."""
    found = journey.product.addresses()
    if set(found["caches"]) != {"django.core.cache.backends.locmem.LocMemCache"}:
        journey.record.complaints.append(f"no search of the caches {found['caches']}")
    pages: dict[str, list[str]] = found["pages"]
    # Programs last: they may take away what the pages show.
    for name in sorted(pages, key=lambda name: name.startswith("api:")):
        people = [everybody[-1], everybody[0]] if name.startswith("api:") else everybody
        if not visit(journey, name, pages[name], people):
            journey.record.complaints.append(f"nobody reached {name}")
    if not everybody[0].is_signed_in:
        journey.record.complaints.append("the walk ended signed out")


def visit(journey: Journey, name: str, paths: list[str], everybody: list[Visitor]) -> bool:
    """Open the paths of a name, and post secrets to it; return whether somebody got there."""
    root, *others = everybody
    answers = {path: root.get(path) for path in paths}
    there = [path for path, answer in answers.items() if is_reached(answer)]
    # What root finds the others look at, too; what root does not is perhaps theirs.
    there += [path for path in there or paths for one in others if is_reached(one.get(path))]
    root.forge(paths[0], **typed(journey))
    if name in APART:
        return bool(there) or any(answer.status_code == 405 for answer in answers.values())
    only_taken = [path for path, answer in answers.items() if answer.status_code == 405]
    for path in only_taken or [*there, *paths][:2]:
        sent = root.submit(path, typed(journey), answers[path].headers.get("Allow", ""))
        if is_reached(sent):
            return True
    return bool(there)


def is_reached(answer: requests.Response) -> bool:
    """Tell whether this answer comes from behind every door."""
    where = answer.headers.get("Location", "")
    return answer.status_code in PASSED and not where.startswith(DOORS)


def typed(journey: Journey) -> dict[str, str]:
    """Return a different secret for each field, the same in each form."""
    planted = journey.planted
    names = {field: f"walked {field.replace('_', ' ')}" for field in SECRET_FIELDS}
    return {
        field: str(planted.values.get(name) or planted.secret(name))
        for field, name in names.items()
    }
