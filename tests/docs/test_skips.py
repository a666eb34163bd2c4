"""CI's judge of skips, over a report of a real pytest run."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

TESTS = """
import pytest

def test_runs(): pass

@pytest.mark.skip(reason="no moon")
def test_moon(): pass

@pytest.mark.parametrize("place", ["north", "south[1]"])
def test_pole(place): pytest.skip("too cold")

class TestInside:
    def test_deep(self): pytest.skip("too deep")

@pytest.mark.xfail
def test_known_to_fail(): assert 0
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with report.xml of five skips in two files."""
    place = tmp_path_factory.mktemp("skips")
    (place / "t").mkdir()
    (place / "t/test_one.py").write_text(TESTS)
    (place / "t/test_all.py").write_text('import pytest\n\npytest.importorskip("no_such_library")\n')
    words = [
        "--junitxml",
        "report.xml",
        "-o",
        "junit_family=xunit1",
        "--import-mode=importlib",
        "-p",
        "no:cacheprovider",
    ]
    subprocess.run([sys.executable, "-m", "pytest", "-q", *words, "t"], cwd=place, check=True, capture_output=True)
    return place


def judge(place: Path, expected: str, report: str = "report.xml") -> "tuple[int, str]":
    """(exit code, what it says)."""
    (place / "expected").write_text(expected)
    words = [sys.executable, str(ROOT / ".ci/skips.py"), report, "expected"]
    done = subprocess.run(words, cwd=place, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


ALL = """
# a remark
t/test_one.py::test_moon  no moon here
t/test_one.py::test_pole[*]  too cold
t/test_one.py::TestInside::*  too deep
t/test_all.py  no library
"""


def test_expected_skips_pass(place: Path) -> None:
    code, said = judge(place, ALL)
    assert (code, said) == (0, "skips: 5, all expected\n")


@pytest.mark.parametrize("line", [line for line in ALL.splitlines() if line.startswith("t/")])
def test_a_skip_that_is_not_listed_fails_and_is_named(place: Path, line: str) -> None:
    code, said = judge(place, ALL.replace(line, ""))
    assert code == 1
    assert line.split("  ")[0].rstrip("*]") in said


def test_a_line_that_nothing_needs_is_named(place: Path) -> None:
    code, said = judge(place, ALL + "t/test_one.py::test_gone  long ago\n")
    assert code == 0
    assert "not needed here: t/test_one.py::test_gone\n" in said


@pytest.mark.parametrize(("expected", "report"), [("t/test_one.py one-space\n", "report.xml"), (ALL, "no-report.xml")])
def test_what_cannot_be_judged_fails(place: Path, expected: str, report: str) -> None:
    assert judge(place, expected, report)[0] == 2


def test_the_list_of_this_project_is_readable(place: Path) -> None:
    assert judge(place, (ROOT / ".ci/expected-skips").read_text())[0] in (0, 1)
