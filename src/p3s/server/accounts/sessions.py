"""Sessions of the browser. They live in signed cookies: nothing is written, and a user who is shut out or has another
password has none."""

from http.cookies import CookieError, SimpleCookie

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.utils.module_loading import import_string


def knows(cookies: str) -> bool:
    """Whether a Cookie header holds the session of a user. Reads the database."""
    try:
        found = SimpleCookie(cookies).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return False
    if found is None:
        return False
    request = HttpRequest()
    request.session = import_string(f"{settings.SESSION_ENGINE}.SessionStore")(found.value)
    return bool(get_user(request).is_authenticated)
