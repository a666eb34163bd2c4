"""Everything behind the fast door."""

from django.urls import include, path

from p3s.server.api.app import api
from p3s.server.api.nothing import nothing

from .admin import site
from .login import Login, Logout

urlpatterns = [
    path("api/", api.urls),
    path("api/<path:rest>", nothing),
    path("login", Login.as_view(), name="login"),
    path("logout", Logout.as_view(), name="logout"),
    path("admin/", site.urls),
    path("", include("p3s.server.monitor.urls")),
]

handler404 = "p3s.server.monitor.views.nowhere"
