"""What goes wrong at the command line is one line that says what to do, and an exit code; never a traceback."""

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.system

Refused = Callable[..., str]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


# ---- the command line itself


@pytest.mark.parametrize(
    "words",
    [
        ["--nonsense"],
        ["nonsense"],
        ["job", "submit"],
        ["job", "list", "--limit", "many"],
        ["job", "list", "--limit", "0"],
        ["server", "start", "--port", "99999"],
        ["server", "start", "--lease", "0"],
        ["pilot", "start", "--slots", "0"],
        ["watcher", "start"],
        ["demo", "--nonsense"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_ends_with_2_and_shows_the_usage(run: Run, words: list[str]) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert "Usage: p3s" in done.stderr
    assert "Traceback" not in done.stderr


# ---- no server, or a strange one


@pytest.mark.parametrize("words", [["summary"], ["job", "list"], ["pilot", "list"]], ids=" ".join)
def test_without_any_server_it_says_how_to_start_one_and_ends_with_3(refused: Refused, words: list[str]) -> None:
    line = refused(3, *words)
    assert line.startswith("p3s: no server: ")
    assert "p3s server start" in line
    assert "P3S_SERVER=" in line


def test_a_server_that_does_not_answer_is_named_and_ends_with_3(refused: Refused, free_port: int) -> None:
    line = refused(3, "summary", P3S_SERVER=f"127.0.0.1:{free_port}")
    assert f"http://127.0.0.1:{free_port}" in line


def test_after_a_kill_of_the_local_server_its_old_address_is_named(
    refused: Refused, tmp_path: Path, free_port: int
) -> None:
    (tmp_path / "server").mkdir()
    entry = {"url": f"http://127.0.0.1:{free_port}", "process": 1}
    (tmp_path / "server" / "server.json").write_text(json.dumps(entry))
    assert f"no server answers at http://127.0.0.1:{free_port}" in refused(3, "summary", at=tmp_path / "server")


NONSENSE = ["nonsense://x", "http://", "http://127.0.0.1:99999", "127.0.0.1:port", "http://[::1"]


@pytest.mark.parametrize("server", [*NONSENSE, f"http://{'a' * 70}.org"])
def test_a_server_that_is_nonsense_is_quoted(run: Run, server: str) -> None:
    done = run("summary", P3S_SERVER=server)
    assert done.returncode in (2, 3)
    [line] = done.stderr.splitlines()
    assert "P3S_SERVER" in line
    assert server in line


@pytest.mark.parametrize("server", NONSENSE)
def test_a_pilot_does_not_wait_for_a_server_that_is_nonsense(run: Run, server: str) -> None:
    done = run("pilot", "start", P3S_SERVER=server)
    assert done.returncode in (1, 2)
    [line] = done.stderr.splitlines()
    assert server in line


@pytest.mark.parametrize("token", ["wrong", "tok\u20acn", "to\nken", " "])
def test_a_wrong_token_is_one_line(refused: Refused, server: Any, token: str) -> None:
    line = refused(5, "job", "submit", "--", "/bin/true", P3S_SERVER=server.url, P3S_TOKEN=token)
    assert "token" in line.lower()


class _Elsewhere(http.server.BaseHTTPRequestHandler):
    """A web server that is not ours: every address has a page, as behind a sign-on."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        page = b"<html>Please sign in</html>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    do_POST = do_PUT = do_GET

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    other = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{other.server_address[1]}"
    other.shutdown()
    other.server_close()


@pytest.mark.parametrize(
    "words", [["summary"], ["job", "list"], ["job", "submit", "--", "/bin/true"], ["pilot", "start"]], ids=" ".join
)
def test_a_web_server_that_is_not_p3s_is_told_from_one(refused: Refused, elsewhere: str, words: list[str]) -> None:
    line = refused(1 if words == ["pilot", "start"] else 3, *words, P3S_SERVER=elsewhere, P3S_TOKEN="x")
    assert f"{elsewhere} is no p3s server: it answered 200, no content type" in line


# ---- jobs

BAD_FILES = {
    "neither kind.json": ('{"payload": "/bin/true"}', "neither a 2018 list"),
    "template.yaml": ("workflow: a\nnodes: {}", "describes no jobs, but a workflow: p3s workflow template put "),
    "not json.json": ("[{", "not json.json: "),
    "not yaml.yaml": ("jobs: [", "cannot read not yaml.yaml:1: "),
    "nan.json": ('[{"payload": "/bin/true", "timeout": NaN}]', "NaN"),
    "infinity.json": ('[{"payload": "/bin/true", "timeout": 1e999}]', "[0].timeout: must be a number"),
    "nan.yaml": ("jobs: [{payload: /bin/true, time_limit: .nan}]", "jobs[0].time_limit: must be from 0 to"),
    "hold.yaml": ("jobs: [{payload: /bin/true, hold: 3}]", "jobs[0].hold: must be true or false, not 3"),
    "number name.json": ('[{"payload": "/bin/true", "name": 5}]', "[0].name: must be text"),
    "null type.json": ('[{"payload": "/bin/true", "jobtype": null}]', "[0].jobtype: must be text"),
    "unknown.json": ('[{"payload": "/bin/true", "prio": 1}]', "[0].prio: is not a known field"),
    "unknown.yaml": ("jobs: [{payload: /bin/true, prio: 1}]", "jobs[0].prio: is not a known field"),
    "text number.yaml": ('jobs: [{payload: /bin/true, priority: "5"}]', "jobs[0].priority: "),
    "duration.yaml": ("jobs: [{payload: /bin/true, time_limit: soon}]", "jobs[0].time_limit: 'soon' is not a duration"),
    "word number.json": ('[{"payload": "/bin/true", "priority": "high"}]', "[0].priority: must be a number"),
    "no payload.yaml": ("jobs: [{name: x}]", "jobs[0].payload: is required"),
    "no payload.json": ('[{"name": "x"}]', "[0].payload: is required"),
    "no job.json": ("[]", "describes no job"),
    "no job.yaml": ("jobs: []", "describes no job"),
    "not an object.json": ("[1]", "[0]: must be an object"),
    "template.json": ('[{"payload": "/bin/true", "state": "running"}]', "[0].state: 'running' cannot be submitted"),
    "env list.json": ('{"jobs": [{"payload": "/bin/true", "env": ["A=1"]}]}', "jobs[0].env"),
    "env text.json": ('[{"payload": "/bin/true", "env": "A=1"}]', "[0].env"),
    "env number.yaml": ("jobs: [{payload: /bin/true, env: {N: 3}}]", "jobs[0].env.N: must be text"),
    "huge number.json": ('[{"payload": "/bin/true", "priority": 1' + "0" * 400 + "}]", "[0].priority"),
    "number name.yaml": ("jobs: [{payload: /bin/true, name: 5}]", "jobs[0].name: must be text; write it in quotes"),
    "line.yaml": ("jobs:\n- payload: /bin/true\n- name: x\n", "line.yaml:3: jobs[1].payload: is required"),
    "twice.yaml": ("jobs:\n- payload: a\n  payload: b\n", "twice.yaml:3: jobs[0].payload: stands twice"),
    "tab.yaml": ("jobs:\n\t- payload: a\n", "tab.yaml:2: "),
    "type line.yaml": (
        "jobs: [{payload: x}]\njobtypes:\n  a: {capp: 1}\n",
        "type line.yaml:3: jobtypes.a.capp: is not",
    ),
    "types list.yaml": ("jobs: [{payload: x}]\njobtypes: [a]", "jobtypes: must be like {evdisp: "),
    "types no settings.yaml": ("jobs: [{payload: x}]\njobtypes: {a: 3}", "jobtypes.a: must be a name with settings"),
    "types unknown.yaml": ("jobs: [{payload: x}]\njobtypes: {a: {capp: 1}}", "jobtypes.a.capp: is not a known field"),
    "types duration.yaml": ("jobs: [{payload: x}]\njobtypes: {a: {eta: soon}}", "jobtypes.a.eta: 'soon' is not a"),
    "types keys.yaml": ("jobs: [{payload: x}]\njobtypes: {a: {supersedes: run}}", "must be a list of keys"),
    "types value.yaml": ("jobs: [{payload: x}]\njobtypes: {a: {cap: many}}", "cap"),
    "types bound.yaml": ("jobs: [{payload: x}]\njobtypes: {a: {retries: -1}}", "retries"),
    "surrogate.json": ('[{"payload": "/bin/true", "name": "\\ud800"}]', "name"),
    "deep.json": ("[" * 100_000, "deep.json"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_job_file_is_refused_with_its_place(refused: Refused, server: Any, tmp_path: Path, name: str) -> None:
    text, says = BAD_FILES[name]
    (tmp_path / name).write_text(text)
    for words in (("submit",), ("submit", "--dry-run"), ("test",)):
        assert says in refused(2, "job", *words, name, at=server.directory)


def test_a_stream_file_is_not_submitted_and_its_command_is_named(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "streams.yaml").write_text("streams: {a: {files: x}}")
    assert "describes no jobs, but a stream: p3s watcher start streams.yaml" in refused(
        2, "job", "submit", "streams.yaml"
    )


def test_a_refused_file_sets_no_job_type(run: Run, refused: Refused, server: Any, tmp_path: Path) -> None:
    (tmp_path / "jobs.yaml").write_text("jobs: [{payload: x, needs: {cores: 9999}}]\njobtypes: {refusedtype: {cap: 3}}")
    assert "needs.cores: must be from 1" in refused(2, "job", "submit", "jobs.yaml", at=server.directory)
    assert "refusedtype" not in run("jobtype", "list", at=server.directory).stdout


def test_a_job_file_that_is_not_there_or_not_text_is_named(refused: Refused, server: Any, tmp_path: Path) -> None:
    assert "cannot read none.yaml: No such file" in refused(2, "job", "submit", "none.yaml", at=server.directory)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    assert "cannot read binary.json: it is not text" in refused(2, "job", "submit", "binary.json", at=server.directory)


@pytest.mark.parametrize("entry", ["NAME", "=value", "A-B=1", "9=1"])
def test_a_bad_variable_is_quoted(refused: Refused, server: Any, entry: str) -> None:
    line = refused(2, "job", "submit", "-e", entry, "--", "/bin/true", at=server.directory)
    assert repr(entry.partition("=")[0] or entry) in line or repr(entry) in line


@pytest.mark.parametrize("limit", ["soon", "nans"])
def test_a_bad_time_limit_says_what_to_write(refused: Refused, server: Any, limit: str) -> None:
    line = refused(2, "job", "submit", f"--time-limit={limit}", "--", "/bin/true", at=server.directory)
    assert f"--time-limit: {limit!r} is not a duration; write 30s" in line


@pytest.mark.parametrize(
    ("verb", "job"),
    [*(("show", job) for job in ("nonsense", "a/b", "..", "")), ("logs", "a/b"), ("cancel", "nonsense")],
)
def test_an_unknown_job_is_said_to_be_unknown(refused: Refused, server: Any, verb: str, job: str) -> None:
    line = refused(4, "job", verb, job, at=server.directory)
    assert "there is no job" in line or "there is nothing" in line
    assert job in line


def test_an_unknown_state_is_refused_with_those_there_are(refused: Refused, server: Any) -> None:
    line = refused(2, "job", "list", "--state", "broken", at=server.directory)
    assert "'broken' is none" in line
    assert "failed" in line


@pytest.mark.parametrize("filter_", [["--state", "failed, lost"], ["--jobtype", "a b&c=d"]], ids=["state", "jobtype"])
def test_spaces_and_signs_in_a_filter_are_not_taken_for_a_missing_server(
    run: Run, server: Any, filter_: list[str]
) -> None:
    done = run("job", "list", *filter_, at=server.directory)
    assert "no server answers" not in done.stderr
    assert done.returncode in (0, 1)


# ---- the server


def test_a_port_in_use_is_one_line(refused: Refused, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = refused(1, "server", "start", "--port", str(port), at=tmp_path / "new")
    assert f"cannot listen on 127.0.0.1:{port}" in line
    assert "--port" in line


def test_a_second_server_on_the_same_directory_names_the_first_and_does_not_harm_it(
    refused: Refused, run: Run, server: Any, free_port: int
) -> None:
    line = refused(1, "server", "start", "--port", str(free_port), at=server.directory)
    assert f"process {server.process.pid}" in line
    assert server.url in line
    assert "--standby" in line
    assert run("summary", at=server.directory).returncode == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--host", "0.0.0.0"], "--public"),
        (["--log", "nonsense"], "nonsense"),
        (["--database", "mysql://x/y"], "postgresql://"),
        (["--database", "postgresql://localhost:abc/p3s"], "postgresql://"),
        (["--database", "postgresql://nobody@127.0.0.1:1/p3s"], "127.0.0.1"),
        (["--host", "256.0.0.1", "--public"], "256.0.0.1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_server_that_cannot_start_so_says_why(
    refused: Refused, tmp_path: Path, free_port: int, words: list[str], says: str
) -> None:
    code = 2 if "--log" in words else 1
    line = refused(code, "server", "start", "--port", str(free_port), *words, at=tmp_path / "new")
    assert says in line


def test_a_server_directory_that_is_a_file_is_named(refused: Refused, tmp_path: Path, free_port: int) -> None:
    (tmp_path / "file").touch()
    line = refused(1, "server", "start", "--port", str(free_port), at=tmp_path / "file")
    assert str(tmp_path / "file") in line


# ---- pilots


@pytest.mark.parametrize("target", ["/proc/none/p3s-pilot.pyz"])
def test_a_pilot_file_that_cannot_be_written_is_one_line(refused: Refused, target: str) -> None:
    assert "/proc/none" in refused(2, "pilot", "build", target)


def test_a_pilot_with_a_directory_that_is_not_there_says_so(refused: Refused, server: Any) -> None:
    assert "/no/such/place" in refused(1, "pilot", "start", "--dir", "/no/such/place", at=server.directory)


# ---- streams

BAD_STREAMS = {
    "nothing": ("", "must begin with streams:"),
    "no stream": ("streams: {}", "must begin with streams:"),
    "no yaml": ("streams: [", "cannot read streams.yaml"),
    "a list": ("streams: [a]", "must begin with streams:"),
    "a foreign section": ("streams: {a: {%s, payload: x}}\nextra: 1", "streams.yaml:2: extra: is not a known field"),
    "no rule": ("streams: {a: 1}", "streams.a: must be a rule"),
    "an unknown field": ("streams: {a: {%s, payload: x, filse: y}}", "streams.a.filse: is not a known field"),
    "no files": ("streams: {a: {payload: x}}", "streams.a.files: is required"),
    "files that are a number": ("streams: {a: {files: 3, payload: x}}", "streams.a.files: is required"),
    "files of a foreign scheme": ('streams: {a: {files: "s3://h/x{run:d}", payload: x}}', "s3:// is not watched"),
    "a URL with one slash": ('streams: {a: {files: "root://h", payload: x}}', "streams.a.files: must be like root://"),
    "an open brace": ('streams: {a: {files: "{here}/x{run", payload: x}}', "streams.a.files: braces"),
    "no payload": ("streams: {a: {%s}}", "streams.a: must have either a payload or jobs"),
    "payload and jobs": ("streams: {a: {%s, payload: x, jobs: {}}}", "streams.a: must have either a payload or jobs"),
    "an empty payload": ('streams: {a: {%s, payload: ""}}', "streams.a.payload: is required"),
    "no jobs": ("streams: {a: {%s, jobs: {}}}", "streams.a.jobs: must be job types"),
    "a job without payload": ("streams: {a: {%s, jobs: {b: {}}}}", "streams.a.jobs.b: must be a payload and more"),
    "a job's unknown field": ("streams: {a: {%s, jobs: {b: {payload: x, cpa: 3}}}}", "jobs.b.cpa: is not a known"),
    "a priority in words": ("streams: {a: {%s, jobs: {b: {payload: x, priority: high}}}}", "jobs.b.priority: must be"),
    "a priority too high": ("streams: {a: {%s, jobs: {b: {payload: x, priority: 99999}}}}", "jobs.b.priority: must be"),
    "a time limit in words": ("streams: {a: {%s, jobs: {b: {payload: x, time_limit: soon}}}}", "jobs.b.time_limit: "),
    "an env that is a list": ("streams: {a: {%s, payload: x, env: [A]}}", "streams.a.env: must be names and values"),
    "an env of lists": ("streams: {a: {%s, payload: x, env: {A: [1]}}}", "streams.a.env.A: must be a text or a number"),
    "an env with a bad name": ("streams: {a: {%s, payload: x, env: {A-B: 1}}}", "A-B"),
    "an unknown completeness": (
        "streams: {a: {%s, payload: x, complete: {rested: 3}}}",
        "complete.rested: must",
    ),
    "rested for a word": ("streams: {a: {%s, payload: x, complete: {rested: soon}}}", "streams.a.complete.rested: "),
    "a name with a slash": ("streams: {a/b: {%s, payload: x}}", "a/b"),
    "an empty name": ('streams: {"": {%s, payload: x}}', "streams."),
    "a missing directory": ('streams: {a: {files: "{here}/none/x{run:d}.root", payload: x}}', "is not a directory"),
}


@pytest.mark.parametrize("name", BAD_STREAMS)
def test_a_bad_stream_file_is_refused_with_its_place(refused: Refused, server: Any, tmp_path: Path, name: str) -> None:
    text, says = BAD_STREAMS[name]
    text = text.replace("%s", 'files: "{here}/x{run:d}.root"').replace("{here}", str(tmp_path))
    (tmp_path / "streams.yaml").write_text(text)
    line = refused(2, "watcher", "start", "streams.yaml", at=server.directory)
    assert says in line


@pytest.mark.parametrize("part", ["pilot", "watcher"])
def test_a_part_started_before_its_server_waits_says_so_once_and_ends_when_told(
    started: Callable[..., Any], tmp_path: Path, part: str
) -> None:
    (tmp_path / "streams.yaml").write_text(f'streams: {{a: {{files: "{tmp_path}/x{{run:d}}.root", payload: x}}}}')
    words = ["watcher", "start", str(tmp_path / "streams.yaml")] if part == "watcher" else ["pilot", "start"]
    process, said = started("waiting for", *words)
    process.terminate()
    assert process.wait(30) in (0, 130, -signal.SIGTERM)
    assert said().count("waiting for") == 1
    assert "Traceback" not in said()


def test_output_into_a_closed_pipe_ends_quietly(server: Any) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("P3S_")}
    p3s = Path(sys.executable).with_name("p3s")
    done = subprocess.run(
        ["/bin/bash", "-c", f"'{p3s}' job list --json | exec 0<&-; exit ${{PIPESTATUS[0]}}"],
        env={**env, "P3S_SERVER_DIR": str(server.directory)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode in (0, 1, 128 + signal.SIGPIPE)


# ---- names that are too long, hostile, or in the way

LONG = "x" * 300


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (4, ["dataset", "register", LONG]),
        (2, ["datatype", "add", f"{LONG}.json"]),
        (2, ["workflow", "template", "check", f"{LONG}.yaml"]),
        (6, ["backup", f"{LONG}/a.zip"]),
        (6, ["demo", "--dir", "/dev/null/here"]),
    ],
    ids=lambda words: " ".join(words)[:20] if isinstance(words, list) else "",
)
def test_a_name_that_no_file_can_have_is_one_line(refused: Refused, code: int, words: list[str]) -> None:
    assert refused(code, *words).startswith("p3s: ")


def test_what_only_pilots_can_see_may_have_any_name(run: Run, server: Any, tmp_path: Path) -> None:
    (tmp_path / "long.yaml").write_text(f"jobs: [{{payload: /bin/true, input: {LONG}}}]")
    for words in (["long.yaml"], ["-f", LONG, "--", "/bin/true"], ["--", "/bin/echo", LONG]):
        done = run("job", "submit", "--dry-run", *words, at=server.directory)
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    done = run("workflow", "start", "none", LONG, at=server.directory)
    assert (done.returncode, "Traceback" in done.stderr) == (4, False), done.stderr


@pytest.mark.parametrize("words", [["dataset", "register", "/dev/null"], ["workflow", "start", "none"]], ids=" ".join)
@pytest.mark.parametrize("value", ["--5", "-", "9" * 5000])
def test_a_key_of_any_text_is_a_text(run: Run, server: Any, words: list[str], value: str) -> None:
    done = run(*words, "--key", f"dl={value}", "--dry-run", at=server.directory)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode in (0, 2, 4), "bounds, and a template that is none"


def test_hostile_names_in_a_refusal_reach_the_terminal_without_control_characters(
    run: Run, refused: Refused, server: Any
) -> None:
    for place in ("a\x9b31m", "b\u202e"):
        done = run("dataset", "register", f"root://x//{place}.root", "--name", "twins", at=server.directory)
        assert done.returncode == 0, done.stderr
    assert refused(6, "dataset", "show", "twins", at=server.directory).isprintable()


def test_a_moment_that_is_none_names_its_own_option(refused: Refused) -> None:
    assert refused(2, "run", "adjust", "4", "--started", "soon").startswith("p3s: --started: 'soon' is no moment")
    assert refused(2, "audit", "--since", "soon").startswith("p3s: --since: 'soon' is no moment")


def test_the_record_is_asked_since_a_moment_as_all_lists_are(run: Run, server: Any) -> None:
    for since in ("00:00", "2026-05-04 18:30", "6h"):
        assert run("audit", "--since", since, at=server.directory).returncode == 0


class _Bare(_Elsewhere):
    """A web server that knows no such address."""

    def do_GET(self) -> None:
        self.send_error(404)

    do_POST = do_PUT = do_GET


@pytest.mark.parametrize("words", [["summary"], ["job", "show", "1b4e28ba-2fa1-11d2-883f-0016d3cca427"]], ids=" ".join)
def test_a_web_server_that_knows_no_such_address_is_no_p3s_server(refused: Refused, words: list[str]) -> None:
    """It was 'there is no such job', with the exit code for that."""
    other = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Bare)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{other.server_address[1]}"
    line = refused(3, *words, P3S_SERVER=url, P3S_TOKEN="x")
    other.shutdown()
    other.server_close()
    assert f"{url} is no p3s server: it answered 404, text/html; correct P3S_SERVER" in line


class _Cheerful(_Elsewhere):
    """A program of another kind, that answers everything with an object of its own."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "15")
        self.end_headers()
        self.wfile.write(b'{"status":"UP"}')

    do_POST = do_PUT = do_GET


@pytest.mark.parametrize("words", [["job", "list"], ["job", "submit", "--", "/bin/true"], ["jobtype", "list"]])
def test_objects_of_another_program_are_told_from_ours(refused: Refused, words: list[str]) -> None:
    other = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Cheerful)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{other.server_address[1]}"
    line = refused(3, *words, P3S_SERVER=url, P3S_TOKEN="x")
    other.shutdown()
    other.server_close()
    assert f"{url} is no p3s server: it answered 200, application/json" in line


@pytest.mark.parametrize("words", [["--help"], ["pilot", "build", os.fsdecode(b"\xff.pyz")]], ids=["help", "bytes"])
def test_what_a_terminal_cannot_show_is_written_otherwise(tmp_path: Path, words: list[str]) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("p3s"), *words],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert (b"\\xb7" if words == ["--help"] else b"\\udcff.pyz") in done.stdout
