"""Tokens, users and the record by the command line."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import P3S, environment

pytestmark = pytest.mark.system

Served = Any
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_a_token_is_made_used_listed_and_revoked(server: Served, run: Run) -> None:
    made = run("token", "new", "shift scripts", "--scope", "submit", "--scope", "read", at=server.directory)
    assert made.returncode == 0
    assert "It is not shown again" in made.stderr
    assert "expires in 90 d" in made.stderr
    token = made.stdout.strip()
    bound = {"P3S_SERVER": server.url, "P3S_TOKEN": token}
    assert run("job", "submit", "--wait", "--", "/bin/true", **bound).returncode == 0
    refused = run("jobtype", "set", "capped", "--cap", "1", **bound)
    assert (refused.returncode, "scope 'operate'" in refused.stderr) == (5, True)
    (listed,) = json.loads(run("token", "list", "--json", **bound).stdout)[:1]
    shown = run("token", "list", **bound).stdout
    assert listed["id"] in shown
    assert token not in shown
    ended = run("token", "revoke", "0" * 12, listed["id"], "--why", "test", at=server.directory)
    assert ended.stdout == f"{listed['id']} shift scripts: revoked\n"
    assert (ended.returncode, ended.stderr.count("p3s: ")) == (4, 1)
    gone = run("job", "list", **bound)
    assert (gone.returncode, "revoked" in gone.stderr) == (5, True)
    assert listed["id"] not in run("token", "list", at=server.directory).stdout
    assert listed["id"] in run("token", "list", "--all", at=server.directory).stdout
    record = json.loads(run("audit", "--kind", "token", "--object", listed["id"], "--json", at=server.directory).stdout)
    assert [(one["what"], one["why"]) for one in record] == [("revoked", "test"), ("made", record[1]["why"])]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("new", "x", "--scope", "root"), "use read, submit, pilot, operate, admin"),
        (("new", "x", "--expires", "soon"), "--expires"),
        (("new", " "), "say what the token is for"),
        (("revoke", "0" * 12), "p3s token list"),
    ],
)
@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["", "dry"])
def test_mistakes_are_told(
    server: Served, refused: Callable[..., str], words: tuple[str, ...], said: str, dry: tuple[str, ...]
) -> None:
    code = 4 if words[0] == "revoke" else 2
    assert said in refused(code, "token", *words, *dry, at=server.directory)


@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["", "dry"])
@pytest.mark.parametrize("words", [("a b",), ("ana", "--scope", "root")], ids=" ".join)
def test_a_user_who_cannot_be_is_refused(
    server: Served, refused: Callable[..., str], words: tuple[str, ...], dry: tuple[str, ...]
) -> None:
    assert "; use " in refused(2, "user", "set", *words, *dry, at=server.directory)


def test_a_user_is_made_and_shut_out(server: Served, run: Run) -> None:
    def user(*words: str, password: str = "") -> "subprocess.CompletedProcess[str]":
        env = environment(server.directory)
        return subprocess.run(
            [P3S, "user", *words],
            env=env,
            input=password,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            start_new_session=True,
        )

    made = user("set", "ana", "--scope", "operate", "--password-stdin", password="correct horse 7\n")
    assert (made.returncode, made.stdout) == (0, "ana: operate\n")
    assert user("set", "ana", "--shut-out").stdout == "ana: operate, shut out\n"
    assert user("set", "ana", "--let-in", "--scope", "submit").stdout == "ana: submit\n"
    unseen = user("set", "bea")
    assert (unseen.returncode, unseen.stderr.count("\n")) == (2, 1), unseen.stderr
    assert "no terminal" in unseen.stderr
    weak = user("set", "bea", "--password-stdin", password="password1\n")
    assert (weak.returncode, "too common" in weak.stderr) == (2, True)
    assert [one["name"] for one in json.loads(user("list", "--json").stdout)] == ["ana"]
    record = run("audit", "--kind", "user", "--since", "1h", at=server.directory).stdout
    assert "shut out" in record
    assert "correct horse" not in record
