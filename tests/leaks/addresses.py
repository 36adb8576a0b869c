"""Every address of the product, filled in from the rows that are there: python -m tests.leaks.addresses."""

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.db.models import Model, UUIDField
from django.urls import URLPattern, URLResolver, get_resolver, reverse

ROWS_PER_MODEL = 6
# Rows that no address names.
UNNAMED = ("RecoveryCode", "Attempt", "Candidate")


def patterns(
    resolver: URLResolver | Any, namespaces: tuple[str, ...] = ()
) -> Iterator[tuple[str, URLPattern]]:
    """Give every named pattern below a resolver, with its full name."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            inner = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
            yield from patterns(pattern, inner)
        elif pattern.name:
            yield ":".join((*namespaces, pattern.name)), pattern


def pages() -> dict[str, list[str]]:
    """Return the addresses by the name of their pattern; each pattern has one at least."""
    found: dict[str, list[str]] = {}
    for name, pattern in patterns(get_resolver()):
        paths = [reverse(name, kwargs=chosen) for chosen in arguments(name, pattern)]
        found.setdefault(name, []).extend(dict.fromkeys(paths))
    return found


def arguments(name: str, pattern: URLPattern) -> Iterable[dict[str, Any]]:
    """Return what the pattern may be filled in with; of rows the newest of each model."""
    wanted = set(pattern.pattern.converters) or set(pattern.pattern.regex.groupindex)
    if not wanted:
        return [{}]
    if wanted == {"pk"}:
        return [{"pk": row.pk} for row in rows(with_uuid())]
    if wanted == {"pk", "key"}:
        elements = apps.get_model("instances", "Element")._default_manager.order_by("pk")
        found = elements.values_list("organization_id", "element_key")[:ROWS_PER_MODEL]
        return [{"pk": organization, "key": key} for organization, key in found]
    if wanted == {"pk", "choice"}:
        rotating = apps.get_model("instances", "Rotation")._default_manager.order_by("-pk")
        return [{"pk": row.old_id, "choice": "longer"} for row in rotating[:ROWS_PER_MODEL]]
    if wanted == {"key"}:
        elements = apps.get_model("instances", "Element")._default_manager.order_by("pk")
        return [{"key": key} for key in elements.values_list("element_key", flat=True)[:2]]
    if wanted == {"kind"}:
        return [{"kind": kind} for kind in ("csv", "jsonl")]
    if "team" in wanted or "person" in wanted:
        return [{name: each[name] for name in wanted} for each in people()]
    if wanted == {"how"}:
        return [{"how": how} for how in ("foreign", "unknown")]
    if wanted == {"app_label"}:
        return [{"app_label": label} for label in ("auth", "instances")]
    if wanted == {"content_type_id", "object_id"}:
        kinds = apps.get_model("contenttypes", "ContentType").objects
        return [
            {"content_type_id": kinds.get_for_model(row).pk, "object_id": row.pk}
            for row in rows([apps.get_model("instances", "Instance")])
        ]
    (only,) = wanted
    return [{only: row.pk} for row in rows([model_of(name)])]


def model_of(name: str) -> type[Model]:
    """Return the model of an admin address such as admin:instances_share_change."""
    label, model = name.split(":")[-1].split("_")[:2]
    return apps.get_model(label, model)


def with_uuid() -> list[type[Model]]:
    """Return the models whose rows have addresses of their own."""
    models = apps.get_app_config("instances").get_models()
    named = [each for each in models if each.__name__ not in UNNAMED]
    return [each for each in named if isinstance(each._meta.pk, UUIDField)]


def people() -> list[dict[str, Any]]:
    """Return members of organizations, each with an instance and a team that is there."""
    instances, teams = apps.get_model("instances", "Instance"), apps.get_model("instances", "Team")
    found = []
    for member in rows([apps.get_model("instances", "Membership")]):
        there = {"organization": member.organization_id}  # type: ignore[attr-defined]  # by name
        person = {"pk": there["organization"], "person": member.user_id}  # type: ignore[attr-defined]  # by name
        team = teams._default_manager.filter(**there).first()
        for instance in instances._default_manager.filter(**there).order_by("pk")[:12]:
            if team:
                found.append({**person, "instance": instance.pk, "team": team.pk})
    return found


def rows(models: Iterable[type[Model]]) -> Iterator[Model]:
    for model in models:
        yield from model._default_manager.order_by("-pk")[:ROWS_PER_MODEL]


if __name__ == "__main__":
    django.setup()
    caches = [each["BACKEND"] for each in settings.CACHES.values()]
    json.dump({"pages": pages(), "caches": caches}, sys.stdout)
