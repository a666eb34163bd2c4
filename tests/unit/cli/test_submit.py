"""What `p3s job submit` makes of a command line."""

from pathlib import Path
from typing import Any

import pytest

from p3s.cli.submit import _needs, chosen, doubts
from p3s.client.descriptions import resolved
from p3s.protocol.errors import BadInput
from p3s.protocol.messages import JobSpec, Needs


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory that commands are given in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def job(*what: str, file: list[str] | None = None) -> JobSpec:
    changes: dict[str, Any] = {}
    (found,) = chosen(list(what), [], file or [], changes).jobs
    return found


def test_a_program_that_is_a_link_is_run_by_its_own_name(here: Path) -> None:
    """The python of a virtual environment is a link, and finds its packages by the path that it was started by."""
    (here / "python3").touch()
    (here / "venv").mkdir()
    (here / "venv" / "python").symlink_to(here / "python3")
    assert job("./venv/bin/../python", "x.py").payload == f"{here}/venv/python x.py"
    assert resolved("./venv/python x.py", here) == f"{here}/venv/python x.py"


def test_an_input_that_is_not_here_is_doubted_and_meant_from_here(here: Path) -> None:
    found = job("/bin/echo", file=["raw/none.root"])
    assert found.input == f"{here}/raw/none.root"
    assert doubts(found) == [f"{here}/raw/none.root is not on this machine; where the pilot runs, it must be"]
    (here / "raw").mkdir()
    (here / "raw" / "none.root").touch()
    assert doubts(job("/bin/echo", file=["raw/none.root"])) == []


def test_a_program_of_this_directory_without_its_dot_is_doubted(here: Path) -> None:
    (here / "slow.py").touch()
    (said,) = doubts(job("slow.py"))
    assert said == "slow.py is looked for on the pilot's PATH; the file here is ./slow.py"
    assert doubts(job("echo", "slow.py")) == []
    assert doubts(job("./slow.py")) == [f"{here}/slow.py is not executable: chmod +x {here}/slow.py"]
    (here / "slow.py").chmod(0o755)
    assert doubts(job("./slow.py")) == []


@pytest.mark.parametrize("address", ["root://host//data/x.root", "https://host/x.root"])
def test_what_lies_elsewhere_is_not_doubted(address: str) -> None:
    found = job("/bin/echo", file=[address])
    assert (found.input, doubts(found)) == (address, [])


def test_a_program_whose_name_no_file_can_have_is_doubted() -> None:
    assert doubts(JobSpec("x" * 300)) == [f"{'x' * 300} is no program of this machine's PATH; the pilot's must have it"]
    assert doubts(JobSpec(f"/{'x' * 300}")) == [
        f"/{'x' * 300} is not on this machine; where the pilot runs, it must be"
    ]


def test_a_program_that_no_path_has_is_doubted_unless_a_shell_or_the_pilot_has_it(here: Path) -> None:
    (here / "monitor").mkdir()
    assert doubts(job("monitor")) == ["monitor is no program of this machine's PATH; the pilot's must have it"]
    assert doubts(JobSpec("export A=1; env", env={"P3S_EXECMODE": "SHELL"})) == []
    assert doubts(job("p3s-publish", "--category", "X")) == []


def test_needs_are_told_by_the_words_of_the_option() -> None:
    (found,) = chosen(["/bin/true"], [], [], {"needs": _needs(["tag=a", "tags=b,c", "cores=2"])}).jobs
    assert found.needs == Needs(cores=2, tags=("a", "b", "c"))
    with pytest.raises(BadInput, match="there is no need 'core'; use cores, memory, gpus, site, tag, runtime"):
        _needs(["core=2"])
