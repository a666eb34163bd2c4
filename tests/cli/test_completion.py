"""TAB, as bash and zsh ask for it."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.system

Run = Callable[..., Any]
Offered = Callable[..., set[str]]


@pytest.fixture
def in_bash(run: Run, p3s_command: str, own_environment: Any, tmp_path: Path) -> Offered:
    """in_bash("p3s job li", at=directory): what a real bash offers after TAB, by the script that we install."""
    script = tmp_path / "completion.bash"
    script.write_text(run(_P3S_COMPLETE="source_bash").stdout)

    def offered(line: str, at: Path | None = None) -> set[str]:
        words = line.split(" ")
        asked = (
            f"source {script}; COMP_WORDS=({' '.join(repr(word) for word in words)}); COMP_CWORD={len(words) - 1}; "
            'COMP_LINE="${COMP_WORDS[*]}"; _p3s_completion p3s; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        env = own_environment(at or tmp_path / "no-server")
        env["PATH"] = f"{Path(p3s_command).parent}:{env['PATH']}"
        done = subprocess.run(
            ["bash", "--norc", "-c", asked], env=env, capture_output=True, text=True, timeout=30, check=True
        )
        assert done.stderr == ""
        return set(done.stdout.split())

    return offered


def test_bash_completes_commands_and_options(in_bash: Offered) -> None:
    assert in_bash("p3s jo") == {"job", "jobtype"}
    assert in_bash("p3s job rel") == {"release"}
    assert "--jobtype" in in_bash("p3s job list --j")


def test_bash_completes_states_also_after_a_comma(in_bash: Offered) -> None:
    assert in_bash("p3s job list --state fi") == {"finished"}
    assert in_bash("p3s job list --state failed,lo") == {"failed,lost"}


def test_bash_completes_what_the_server_has(in_bash: Offered, run: Run, server: Any) -> None:
    submitted = run("job", "submit", "--wait", "--jobtype", "tabbed", "--", "/bin/true", at=server.directory)
    job = submitted.stdout.strip()
    run("job", "submit", "--wait", "--jobtype", "tab$(touch x)", "--", "/bin/true", at=server.directory)
    assert in_bash("p3s job list --jobtype tab", server.directory) == {"tabbed"}, "nothing that a shell would run"
    assert job in in_bash(f"p3s job show {job[:13]}", server.directory)


def test_without_a_server_nothing_is_offered_and_nothing_said(in_bash: Offered) -> None:
    assert in_bash("p3s job list --jobtype tab") == set()


def test_zsh_is_told_names_and_what_they_are(run: Run) -> None:
    done = run(_P3S_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS="p3s job li")
    assert '"list":"List the latest jobs' in done.stdout
    script = run(_P3S_COMPLETE="source_zsh").stdout
    assert "compdef _p3s_completion p3s" in script
    if shutil.which("zsh"):
        checked = subprocess.run(["zsh", "-n"], input=script, capture_output=True, text=True, timeout=30, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")
