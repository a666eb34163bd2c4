"""Everything behind the fast door."""

from django.urls import include, path

from p3s.server.api.app import api

urlpatterns = [
    path("api/", api.urls),
    path("", include("p3s.server.monitor.urls")),
]
