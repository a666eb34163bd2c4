"""Everything behind the fast door."""

from django.urls import include, path

from p3s.server.api.app import api
from p3s.server.api.nothing import nothing

urlpatterns = [
    path("api/", api.urls),
    path("api/<path:rest>", nothing),
    path("", include("p3s.server.monitor.urls")),
]
