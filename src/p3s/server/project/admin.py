"""The admin site: users, groups and tokens are edited here, all else is looked at. What it writes goes through the
writer, as everything does: a request that changes something runs as one story."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import update_wrapper
from typing import Any, cast

from django.apps import apps
from django.contrib.admin import AdminSite, ModelAdmin, action, display
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.functional import cached_property
from django.utils.http import urlencode

from p3s.domain.effects import Noted
from p3s.server.accounts import queries as accounts
from p3s.server.accounts.grants import Grant
from p3s.server.actions import tokens
from p3s.server.actions.work import Work
from p3s.server.broker import running

MOST_LISTED = 5_000
READS = ("GET", "HEAD", "OPTIONS")

SHOWN = {
    "jobs.job": ("id", "uuid", "name", "jobtype", "state", "reason", "owner"),
    "jobs.jobtype": ("name", "priority", "cap", "pick"),
    "pilots.pilot": ("uuid", "host", "site", "state", "slots"),
    "data.dataset": ("uuid", "name", "kind", "run", "state"),
    "data.datatype": ("name", "ext", "comment"),
    "data.member": ("id", "set", "dataset"),
    "data.run": ("number", "type", "started_at", "ended_at", "owner"),
    "data.arrival": ("id", "stream", "dataset", "run", "fate", "reason"),
    "data.stream": ("name", "version", "owner"),
    "data.gathering": ("id", "stream", "name", "value", "run", "pending", "gathered"),
    "jobs.gathered": ("id", "gathering", "dataset", "job"),
    "results.result": ("id", "category", "run", "status"),
    "results.limit": ("category", "item", "good", "warn", "drift", "who", "why"),
    "results.reference": ("category", "run", "who", "why"),
    "journal.event": ("id", "at", "kind", "object_id", "what", "who", "why"),
    "journal.alarm": ("id", "kind", "message", "severity"),
    "services.service": ("name", "own", "owner", "every_s", "last_at", "said", "last_error"),
}
"""Tables that can be looked at, and the columns of their lists."""

TOKEN_COLUMNS = ("name", "owner", "scopes", "created_at", "expires_at", "revoked_at")


class Site(AdminSite):
    """Superusers only (the scope `admin`), by the login page of all."""

    site_header = "p3s"
    site_title = "p3s admin"
    index_title = "Users, groups and tokens; all else is read-only"
    site_url = "/"

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        inner = super().admin_view(view, cacheable)

        def entrance(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if request.method in READS or not self.has_permission(request):
                return inner(request, *args, **kwargs)
            return by_writer(lambda: inner(request, *args, **kwargs), request)

        return update_wrapper(entrance, view)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # noqa: ARG002
        if request.user.is_authenticated:
            return HttpResponse("the admin site is for users with the scope admin", status=403)
        return HttpResponseRedirect(f"/login?{urlencode({'next': request.GET.get('next', '/admin/')})}")


def by_writer(view: Callable[[], Any], request: HttpRequest) -> Any:
    """The view as a story of the writer; what it wrote is undone when it raises."""
    _ = request.POST, request.FILES  # read here: the writer does not wait for a slow caller

    def story(work: Work) -> tuple[Any, Exception | None]:
        work.flush()
        request.work = work  # type: ignore[attr-defined]
        try:
            with transaction.atomic():
                return view(), None
        except Exception as error:  # noqa: BLE001 - boundary: raised again where the request came from
            work.desk.effects.clear()  # what it noted for the record is of what is undone
            return None, error

    answer, error = running().ask(story)
    running().grants.reload()
    if error is not None:
        raise error
    return answer


class Recorded(ModelAdmin):  # type: ignore[type-arg] # generic in the stubs alone
    """What is changed here stands in the record."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._note(request, obj, "made")
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._note(request, obj, "changed")
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        for obj in queryset:
            self._note(request, obj, "removed")
        return super().log_deletions(request, queryset)

    def _note(self, request: HttpRequest, obj: Any, what: str) -> None:
        work: Work = request.work  # type: ignore[attr-defined]
        kind = str(obj._meta.model_name)
        work.desk.do([Noted(kind, str(obj)[:80], what, str(request.user), "in the admin site", work.now)])


class Users(Recorded, UserAdmin):  # type: ignore[type-arg]
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("What they may do", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
    )
    list_display = ("username", "is_active", "is_superuser")
    list_filter = ("is_superuser", "is_active", "groups")
    filter_horizontal = ("groups",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # Tokens belong to a name: under another one, or none, one who was shut out would have them back.
        return [*super().get_readonly_fields(request, obj), *(["username"] if obj else [])]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


class Groups(Recorded, GroupAdmin):
    """Their names are scopes."""

    fields = ("name",)


class Uncounted(Paginator):  # type: ignore[type-arg]
    """Pages of the first rows; how many more there are is not counted."""

    @cached_property
    def count(self) -> int:
        rows = cast("QuerySet[Any]", self.object_list)
        return len(rows.values_list("pk")[:MOST_LISTED])


class ReadOnly(ModelAdmin):  # type: ignore[type-arg]
    """To be looked at. Counting a million rows for a page number is not worth its time."""

    show_full_result_count = False
    list_per_page = 50
    paginator = Uncounted

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        if request.method == "POST" and not self.actions:
            raise PermissionDenied
        return super().changelist_view(request, extra_context)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


class Tokens(ReadOnly):
    """Made by `p3s token new`, which shows the token once; looked at and revoked here."""

    search_fields = ("name", "owner")
    actions = ("revoke",)

    @action(description="Revoke the chosen tokens, at once and for good")
    def revoke(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        work: Work = request.work  # type: ignore[attr-defined]
        by = Grant(str(request.user), frozenset({"admin"}))
        for token in queryset:
            tokens.revoke(work, id=token.hash[: accounts.ID], by=by, why="in the admin site")


def _moment(field: str) -> Callable[[Any], str]:
    """A column of epoch seconds as a date and a time of day, UTC."""

    @display(description=f"{field.replace('_', ' ')} (UTC)", ordering=field, empty_value="")
    def shown(row: Any) -> str:
        value = getattr(row, field)
        return "" if value is None else f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S}"

    return shown


def _columns(names: Iterable[str]) -> list[Any]:
    return [_moment(name) if name == "at" or name.endswith("_at") else name for name in names]


def _site() -> Site:
    site = Site(name="admin")
    site.register(User, Users)
    site.register(Group, Groups)
    site.register(apps.get_model("accounts.token"), Tokens, list_display=_columns(TOKEN_COLUMNS))
    for label, columns in SHOWN.items():
        site.register(apps.get_model(label), ReadOnly, list_display=_columns(columns))
    return site


site = _site()
