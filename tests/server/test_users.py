"""Users of the browser: log in, look, change through the admin site; sessions in the API; reading that is closed."""

import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

Server = Any
PASSWORD = "correct horse 7"


@dataclass
class Page:
    status: int
    url: str
    text: str


class Browser:
    """Keeps cookies, follows redirects, sends forms as a page would."""

    def __init__(self, server: Server) -> None:
        self.base = f"http://127.0.0.1:{server.port}"
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def get(self, path: str) -> Page:
        return self._open(urllib.request.Request(self.base + path))

    def form(self, path: str, **fields: Any) -> Page:
        fields["csrfmiddlewaretoken"] = self.csrf
        data = urllib.parse.urlencode(fields, doseq=True).encode()
        return self._open(urllib.request.Request(self.base + path, data, {"Origin": self.base}))

    def json(self, method: str, path: str, body: bytes = b"{}", **headers: str) -> Page:
        given = {"Content-Type": "application/json", **headers}
        return self._open(urllib.request.Request(self.base + path, body, given, method=method))

    def log_in(self, name: str, password: str = PASSWORD, goal: str = "/") -> Page:
        self.get("/login")
        return self.form(f"/login?next={goal}", username=name, password=password, next=goal)

    @property
    def csrf(self) -> str:
        return next((str(one.value) for one in self.jar if one.name == "p3s_csrf"), "")

    def _open(self, request: urllib.request.Request) -> Page:
        try:
            answer = self.opener.open(request, timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return Page(answer.status, answer.url, answer.read().decode())


def user(server: Server, name: str, *scopes: str, **more: Any) -> Any:
    return server.good("PUT", f"/api/v1/users/{name}", {"password": PASSWORD, "scopes": list(scopes), **more})


@pytest.fixture
def browser(server: Server) -> Browser:
    return Browser(server)


def test_a_user_logs_in_and_out(server: Server, browser: Browser) -> None:
    user(server, "ana", "operate")
    assert "Log in" in browser.get("/").text
    page = browser.log_in("ana", goal="/jobs")
    assert page.url.endswith("/jobs")
    assert ">ana<" in page.text
    assert "Log in" in browser.form("/logout").text
    what = [one["what"] for one in server.good("GET", "/api/v1/events?kind=user&object=ana&limit=2")["events"]]
    assert what == ["logged out", "logged in"]


@pytest.mark.parametrize("name", ["ana", "nobody", "a' OR 1=1 --", "<script>"])
def test_a_wrong_password_says_no_more_than_that(server: Server, browser: Browser, name: str) -> None:
    user(server, "ana")
    page = browser.log_in(name, "wrong")
    assert "Please enter a correct username and password" in page.text
    assert "p3s_session" not in {one.name for one in browser.jar}


def test_after_a_login_nobody_is_sent_elsewhere(server: Server, browser: Browser) -> None:
    user(server, "ana")
    assert browser.log_in("ana", goal="https://example.org/").url == browser.base + "/"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_guessing_is_slowed_down(own_server: Callable[..., Server]) -> None:
    server = own_server().start()
    user(server, "ana")
    browser = Browser(server)
    for _ in range(10):
        browser.log_in("ana", "wrong")
    assert "too many wrong passwords" in browser.log_in("ana").text


def test_a_session_acts_with_the_users_scopes(server: Server, browser: Browser) -> None:
    user(server, "ana", "submit")
    browser.log_in("ana")
    whoami = browser.get("/api/v1/whoami").text
    assert '"owner":"ana"' in whoami
    assert '"scopes":["read","submit"]' in whoami
    job = server.submit({"payload": "true", "hold": True})[0]
    path = f"/api/v1/jobs/{job}/cancel"
    assert browser.json("POST", path, **{"X-CSRFToken": browser.csrf, "Origin": browser.base}).status == 403
    server.good("PUT", "/api/v1/users/ana", {"scopes": ["operate"]})  # counts at once
    assert browser.json("POST", path, **{"X-CSRFToken": browser.csrf, "Origin": browser.base}).status == 200
    assert server.job(job)["events"][0]["who"] == "ana"


def test_a_page_elsewhere_cannot_use_the_session(server: Server, browser: Browser) -> None:
    user(server, "ana", "operate")
    browser.log_in("ana")
    job = server.submit({"payload": "true", "hold": True})[0]
    path = f"/api/v1/jobs/{job}/cancel"
    for headers in ({}, {"Origin": "http://evil.example", "X-CSRFToken": browser.csrf}, {"X-CSRFToken": "0" * 64}):
        page = browser.json("POST", path, **headers)
        assert page.status == 403
        assert "reload the page" in page.text
    assert server.state(job) == "held"


def test_who_is_shut_out_is_out_at_once(server: Server, browser: Browser) -> None:
    user(server, "zoe", "operate")
    body = {"name": "hers", "scopes": ["read"], "key": "k" * 32, "owner": "zoe"}
    token = server.good("POST", "/api/v1/tokens", body)["token"]
    browser.log_in("zoe")
    assert ">zoe<" in browser.get("/").text
    assert server.good("PUT", "/api/v1/users/zoe", {"active": False})["active"] is False
    assert ">zoe<" not in browser.get("/").text
    assert server.ask("GET", "/api/v1/whoami", token=token).status == 401
    assert "correct username" in browser.log_in("zoe").text
    server.good("PUT", "/api/v1/users/zoe", {"active": True})
    assert server.ask("GET", "/api/v1/whoami", token=token).status == 200


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "needs a password"),
        ({"password": "short"}, "too short"),
        ({"password": "password1"}, "too common"),
        ({"password": PASSWORD, "scopes": ["root"]}, "'root' is none"),
        ({"password": PASSWORD, "colour": 1}, "colour"),
        ({"password": 7}, "password"),
    ],
)
def test_an_odd_user_is_refused(server: Server, body: dict[str, Any], said: str) -> None:
    answer = server.ask("PUT", "/api/v1/users/odd", body)
    assert answer.status == 422
    assert said in answer.detail
    assert "odd" not in {one["name"] for one in server.good("GET", "/api/v1/users")["users"]}


# ---- the admin site


@pytest.fixture
def boss(server: Server, browser: Browser) -> Browser:
    user(server, "boss", "admin")
    assert "p3s admin" in browser.log_in("boss", goal="/admin/").text
    return browser


def test_the_admin_site_is_for_admins(server: Server, browser: Browser) -> None:
    user(server, "ana", "operate")
    assert "/login?next=" in browser.get("/admin/").url
    browser.log_in("ana")
    assert "for users with the scope admin" in browser.get("/admin/").text


TABLES = ["jobs/job", "jobs/jobtype", "pilots/pilot", "data/dataset", "data/stream", "results/result"]


@pytest.mark.parametrize("table", [*TABLES, "journal/event", "journal/alarm"])
def test_tables_are_looked_at_and_not_changed(server: Server, boss: Browser, table: str) -> None:
    server.submit({"payload": "true", "hold": True})
    assert boss.get(f"/admin/{table}/").status == 200
    assert boss.form(f"/admin/{table}/add/").status == 403
    listed = re.search(rf'href="(/admin/{table}/[^"/]+/change/[^"]*)"', boss.get(f"/admin/{table}/").text)
    if listed:
        assert boss.get(listed[1]).status == 200
        assert boss.form(listed[1]).status == 403


def test_users_and_groups_are_edited_and_it_stands_in_the_record(server: Server, boss: Browser) -> None:
    if 'value="submit"' not in boss.get("/admin/auth/group/").text:
        boss.form("/admin/auth/group/add/", name="submit", _save="Save")
    fields = {"username": "carl", "password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    if not any(one["name"] == "carl" for one in server.good("GET", "/api/v1/users")["users"]):
        page = boss.form("/admin/auth/user/add/", **fields, _save="Save")
        assert "/change/" in page.url, page.text
    assert "already exists" in boss.form("/admin/auth/user/add/", **fields, _save="Save").text
    (event,) = server.good("GET", "/api/v1/events?kind=user&object=carl&who=boss&limit=1")["events"]
    assert event["what"] == "made"
    assert "carl" in {one["name"] for one in server.good("GET", "/api/v1/users")["users"]}


def test_tokens_are_revoked_there(server: Server, boss: Browser) -> None:
    body = {"name": "lost laptop", "scopes": ["read"], "key": "l" * 30 + server.token[-5:].replace("_", "0")}
    made = server.good("POST", "/api/v1/tokens", body)
    (hash_,) = set(re.findall(rf'value="({made["id"]}[0-9a-f]{{52}})"', boss.get("/admin/accounts/token/").text))
    boss.form("/admin/accounts/token/", action="revoke", _selected_action=hash_)
    assert server.ask("GET", "/api/v1/whoami", token=made["token"]).status == 401
    assert boss.form("/admin/accounts/token/add/").status == 403


def test_a_user_keeps_the_name_and_is_not_deleted(server: Server, boss: Browser) -> None:
    """Tokens belong to names: who is shut out is made inactive."""
    user(server, "dora")
    (place,) = set(re.findall(r'href="(/admin/auth/user/\d+/change/)[^"]*">dora<', boss.get("/admin/auth/user/").text))
    page = boss.get(place).text
    assert 'name="username"' not in page
    assert "deletelink" not in page
    assert boss.form(place.replace("change", "delete"), post="yes").status == 403
    assert "dora" in {one["name"] for one in server.good("GET", "/api/v1/users")["users"]}


def test_who_may_not_change_does_not_reach_the_writer(server: Server, browser: Browser) -> None:
    user(server, "ana", "operate")
    browser.log_in("ana")
    before = server.good("GET", "/api/v1/events?limit=1")["events"]
    page = browser.form("/admin/auth/group/add/", name="admin", _save="Save")
    assert "for users with the scope admin" in page.text
    assert server.good("GET", "/api/v1/events?limit=1")["events"] == before


@pytest.mark.parametrize("table", TABLES)
def test_a_list_that_changes_nothing_takes_no_form(boss: Browser, table: str) -> None:
    assert boss.form(f"/admin/{table}/", action="delete_selected", _selected_action="1").status == 403


# ---- reading that is not open


@pytest.fixture
def closed(own_server: Callable[..., Server]) -> Server:
    return own_server().start("--reading", "login")


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_page_that_wants_a_login_says_when_the_database_is_away(
    own_server: Callable[..., Server], own_postgres: Any
) -> None:
    """Who asks stands in the database."""
    closed = own_server(database=own_postgres.database()).start("--reading", "login")
    user(closed, "ana")
    browser = Browser(closed)
    assert browser.log_in("ana", goal="/jobs").url.endswith("/jobs")
    own_postgres.kill()
    page = browser.get("/jobs")
    assert (page.status, "The database does not answer" in page.text) == (503, True)
    assert "Traceback" not in closed.said(), closed.said()[-5000:]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_where_reading_is_closed_it_needs_a_login_or_a_token(closed: Server) -> None:
    browser = Browser(closed)
    for path in ("/", "/jobs", "/data", "/pilots", "/runs/1"):
        assert "/login?next=" in browser.get(path).url
    for path in ("/api/v1/jobs", "/api/v1/summary", "/api/v1/whoami", "/api/v1/live"):
        answer = closed.ask("GET", path, token="")
        assert answer.status == 401
        assert answer.detail
    assert closed.ask("GET", "/healthz", token="").status == 200
    assert closed.good("GET", "/api/v1/summary")["jobs"] is not None
    user(closed, "ana")
    assert browser.log_in("ana", goal="/jobs").url.endswith("/jobs")
    assert browser.get("/api/v1/summary").status == 200
    browser.form("/logout")
    assert browser.get("/api/v1/summary").status == 401


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_behind_a_proxy_with_tls_people_log_in_too(own_server: Callable[..., Server]) -> None:
    """By a name that the server was told, or by what the proxy says of the scheme."""
    server = own_server().start("--allow-host", "p3s.example")
    user(server, "ana")
    for headers in (
        {"Host": "p3s.example", "Origin": "https://p3s.example"},
        {"Host": "localhost", "Origin": "https://localhost", "X-Forwarded-Proto": "https"},
    ):
        browser = Browser(server)
        browser.get("/login")
        form = {"username": "ana", "password": PASSWORD, "csrfmiddlewaretoken": browser.csrf}
        more = {"Cookie": f"p3s_csrf={browser.csrf}", "Referer": headers["Origin"] + "/login", **headers}
        more["Content-Type"] = "application/x-www-form-urlencoded"
        answer = server.ask("POST", "/login", urllib.parse.urlencode(form).encode(), token="", headers=more)
        assert (answer.status, "p3s_session" in answer.headers.get("set-cookie", "")) == (302, True), answer.body[:900]


def test_what_a_payload_may_read_ends_with_its_attempt(closed: Server) -> None:
    pilot = closed.pilot()
    (job,) = closed.submit()
    token = pilot.take(job)["token"]
    assert closed.ask("GET", "/api/v1/summary", token=token).status == 200
    pilot.report(job, 1, "finished", exit_code=0)
    answer = closed.ask("GET", "/api/v1/summary", token=token)
    assert (answer.status, "is over" in answer.detail) == (403, True)
