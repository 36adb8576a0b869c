"""The map of the API."""

from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, URLResolver, path, re_path
from django.views.decorators.http import require_safe

from instances.api import changes, errors, instances, operations, organizations, shares, twins
from instances.api.document import Api, StrictParser, router
from instances.api.documentation import documentation
from instances.api.door import door, unknown

DESCRIPTION = (
    "Create element instances, follow what becomes of them, and fetch their tokens. A key is made "
    "under Account, API keys; it is sent with each request as Authorization: Bearer edk_…"
)
# The document is ours to serve, since it has a door, too.
api = Api(
    title="Elementdesk",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    openapi_url=None,
    docs_url=None,
    parser=StrictParser(),
)
errors.install(api)
# Each has put its addresses into the router by being imported.
MODULES = (instances, changes, twins, operations, shares, organizations)
api.add_router("", router)


@door
@require_safe
def openapi(_request: HttpRequest) -> JsonResponse:
    """Describe the API to programs; nothing in it is anybody's."""
    return JsonResponse(api.get_openapi_schema(path_prefix="/api/v1/"))


def _guarded() -> list[URLPattern | URLResolver]:
    found, _, _ = api.urls
    addresses = [one for one in found if isinstance(one, URLPattern) and one.name != "api-root"]
    for one in addresses:
        one.callback = door(one.callback)
    return list(addresses)


app_name = "api"
urlpatterns = [
    path("v1/openapi.json", openapi, name="openapi"),
    path("v1/docs/", documentation(api), name="documentation"),
    path("v1/", (_guarded(), None, None)),
    # A line break in an address is part of it, too.
    re_path(r"^[\s\S]*$", unknown, name="unknown"),
]
