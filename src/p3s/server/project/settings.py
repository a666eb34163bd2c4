"""Settings. Everything comes from a few environment variables that `p3s server start` sets; none is needed."""

import os
import secrets
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from platformdirs import user_data_dir

SERVER_DIR = Path(os.environ.get("P3S_SERVER_DIR") or user_data_dir("p3s"))
# Where files of workflows are written that say no directory: below it, one for each. Pilots elsewhere must see it too.
WORKFLOW_FILES = Path(os.environ.get("P3S_WORKFLOW_FILES") or SERVER_DIR / "workflow-files").resolve()
# Below these the server deletes files of workflows whose `keep` ran out, and nowhere else.
TIDY_PLACES = (
    str(WORKFLOW_FILES),
    *(os.path.abspath(place) for place in os.environ.get("P3S_TIDY", "").split(":") if place),  # noqa: PTH100
)
DATABASE_URL = os.environ.get("P3S_DATABASE", "")


def sqlite(path: Path) -> dict[str, object]:
    """SQLite for one writer: WAL so that readers never wait, FULL so that what was answered is on the disk."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-20000;",
        },
    }


def postgresql(url: str) -> dict[str, object]:
    """`postgresql://user:password@host:port/name`; a socket directory goes in `?host=/path`."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    query = dict(parse_qsl(parts.query))
    name = unquote(parts.path.lstrip("/"))
    if parts.scheme not in ("postgresql", "postgres") or not name:
        raise ImproperlyConfigured(
            f"P3S_DATABASE is {url!r}; write postgresql://USER:PASSWORD@HOST:PORT/NAME, or unset it for SQLite"
        )
    if find_spec("psycopg") is None:
        raise ImproperlyConfigured("PostgreSQL needs a driver: install p3s with its extra, p3s[postgresql]")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or query.pop("user", "")),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or query.pop("host", ""),
        "PORT": str(port or query.pop("port", "")),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            # The hot path's statements are planned once a connection; Django's own cursors do not take part.
            "prepare_threshold": 1,
            # A database whose machine or network is gone says nothing: it is known in half a minute, not in hours.
            "connect_timeout": 10,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 25_000,
        },
    }


DATABASES = {"default": postgresql(DATABASE_URL) if DATABASE_URL else sqlite(SERVER_DIR / "p3s.sqlite3")}

# Signs sessions. Replaced by a key from the database when the server starts, so that a stand-by goes on with them.
SECRET_KEY = secrets.token_hex(32)
DEBUG = False
ALLOWED_HOSTS = ["*"]  # the door checks the host before Django sees a request
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "p3s.server.project.urls"
INSTALLED_APPS = [
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "ninja",
    "p3s.server.pilots.apps.PilotsConfig",
    "p3s.server.data.apps.DataConfig",
    "p3s.server.jobs.apps.JobsConfig",
    "p3s.server.results.apps.ResultsConfig",
    "p3s.server.workflows.apps.WorkflowsConfig",
    "p3s.server.accounts.apps.AccountsConfig",
    "p3s.server.journal.apps.JournalConfig",
    "p3s.server.services.apps.ServicesConfig",
    "p3s.server.monitor.apps.MonitorConfig",
]
MIDDLEWARE = [
    "django.middleware.common.CommonMiddleware",  # says how long an answer is
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "p3s.server.project.login.Gate",
    "p3s.server.project.outage.Outage",
    "p3s.server.api.nothing.methods",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
# Whether reading needs no login and no token; the server decides when it starts.
OPEN_READING = True
LOGGING_CONFIG = None  # the entrance sets it up
# In signed cookies: nothing is written for a session.
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
SESSION_COOKIE_NAME = "p3s_session"
CSRF_COOKIE_NAME = "p3s_csrf"
# What a TLS proxy before us says; a caller who says it without one gains nothing.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
LOGIN_URL = "/login"
# Half the time of the default at the same strength: a user who is made in the admin site is hashed in the writer.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
STATIC_URL = "/static/"
STATICFILES_DIRS = [Path(__file__).parent.parent / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
