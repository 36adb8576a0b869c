"""The map: product pages, Django admin, and the two health addresses."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("instances.urls")),
    path("admin/", admin.site.urls),
]

handler500 = "instances.views.failure.server_error"
