"""The examples of the Python page: run one after the other against a real server and pilot, and checked by mypy."""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from p3s.client.pyz import build

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/python.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
SAID = {
    0: "finished hello\nfinished world",
    1: "/data/raw/run4610_1.root for the shifter",
    2: "finished 5.6",
    4: "100 files: 12 taken, 88 sampled out, 2 by hand",
    5: "5 would be cancelled",
    6: "available False no stream was told of it ['run4711_1.root']\nfile run4711_1.root",
    7: "sum finished ['total.txt']",
    8: "sum.txt b'3\\n'",
    9: "not there: there is no template 'pedestals'",
}
"""What examples must have printed, by their place on the page."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables by which a program finds a server that has one pilot."""
    top = tmp_path_factory.mktemp("python")
    directory, kept = top / "server", {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "p3s.server", "--dir", str(directory), "--port", str(free_port())]
    parts = [subprocess.Popen(command, env=kept, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)]
    env = {**kept, "P3S_SERVER_DIR": str(directory)}
    try:
        server = found(env)
        pilot = [sys.executable, str(build(top / "pilot.pyz")), "--server", server, "--slots", "2"]
        token = (directory / "token").read_text().strip()
        parts.append(subprocess.Popen(pilot, env={**kept, "P3S_TOKEN": token}, stderr=subprocess.DEVNULL))
        yield env
    finally:
        for part in reversed(parts):
            part.terminate()
            part.wait(30)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def found(env: dict[str, str]) -> str:
    """The server's address, once it answers."""
    code = "from p3s import Client; client = Client(); client.summary(); print(client.server)"
    end = time.monotonic() + 60
    while time.monotonic() < end:
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.strip()
    pytest.fail(f"waited in vain until the server answers: {done.stderr}")


def test_the_page_has_its_examples() -> None:
    assert len(EXAMPLES) == 10


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_runs(place: dict[str, str], number: int) -> None:
    command = [sys.executable, "-c", EXAMPLES[number]]
    done = subprocess.run(command, env=place, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert SAID.get(number, "") in done.stdout


WRONG = """from p3s import Client
client = Client()
client.submit([3])
client.job("a")["colour"]
client.each_job(colour="red")
client.wait(["a"])["a"]["wall_s"] + 1
for job in client.each_job():
    job["name"].nonsense()
"""


def test_examples_are_typed_for_who_uses_the_package(tmp_path: Path) -> None:
    """As a user's own program, under mypy --strict; and what is wrong in one is found."""
    pytest.importorskip("mypy", reason="needs mypy (the dev group)")
    for number, text in enumerate(EXAMPLES):
        (tmp_path / f"example{number}.py").write_text(text)
    (tmp_path / "wrong.py").write_text(WRONG)
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports", "silent", "--config-file", "/dev/null"]
    done = subprocess.run(
        [*command, *sorted(path.name for path in tmp_path.glob("*.py"))],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "MYPYPATH": str(ROOT / "src"), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if ": error:" in line]
    assert [line for line in lines if not line.startswith("wrong.py")] == []
    assert sorted({int(line.split(":")[1]) for line in lines}) == [3, 4, 5, 6, 8], done.stdout
