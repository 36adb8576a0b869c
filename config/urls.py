"""The map: product pages, the API, and Django admin."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("api/", include("instances.api.urls")),
    path("", include("instances.urls")),
    path("admin/", admin.site.urls),
]

handler500 = "instances.views.failure.server_error"
