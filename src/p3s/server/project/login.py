"""Log in and out with the browser, and the gate before the pages where reading is not open to all."""

from collections.abc import Callable
from time import monotonic
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from p3s.server.accounts.tries import MOST_TRIES, Tries
from p3s.server.actions import users
from p3s.server.broker import running

from .outage import unanswered

PATH = "/login"
OPEN = (PATH, "/logout", "/static/", "/api/")
"""The API asks by itself who reads."""

_tries = Tries()


class Gate:
    """Middleware: without a login to the login page, where reading is not open."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            may_pass = settings.OPEN_READING or request.path.startswith(OPEN) or request.user.is_authenticated
        except DatabaseError as error:
            if said := unanswered(request, error):
                return said
            raise
        if may_pass:
            return self.get_response(request)
        return HttpResponseRedirect(f"{PATH}?{urlencode({'next': request.get_full_path()})}")


class LoginForm(AuthenticationForm):
    """Django's, which tells a wrong name and a wrong password apart neither by its words nor by its time."""

    must_wait = False

    def clean(self) -> dict[str, Any]:
        assert self.request is not None
        self.must_wait = _tries.too_many(_address(self.request), self.cleaned_data.get("username", ""), monotonic())
        if self.must_wait:
            self.add_error(None, "There were too many wrong passwords. Try again in a minute.")
            return self.cleaned_data
        return super().clean()


class Login(views.LoginView):
    template_name = "monitor/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True
    next_page = "/"
    extra_context = {"here": "login"}

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        answer = super().form_valid(form)
        _record(str(self.request.user), "logged in", self.request)
        return answer

    def form_invalid(self, form: LoginForm) -> HttpResponse:  # type: ignore[override] # it is the one named above
        name = form.cleaned_data.get("username")
        if name and not form.must_wait:
            tries = _tries.wrong(_address(self.request), name, monotonic())
            if tries in (1, MOST_TRIES):  # a guesser does not fill the record
                _record(name, "login refused", self.request)
        return super().form_invalid(form)


class Logout(views.LogoutView):
    next_page = "/"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            _record(str(request.user), "logged out", request)
        return super().post(request, *args, **kwargs)


def _record(name: str, what: str, request: HttpRequest) -> None:
    where = _address(request)
    running().ask(lambda work: users.logged(work, name=name, what=what, where=f"from {where}"))


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))
