"""The map of pages."""

app_name = "instances"
urlpatterns: list[object] = []
