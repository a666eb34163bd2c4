"""Over the real tables of both databases: the writer's SQL, whose every change of state is a compare-and-set, and what
came of what."""

import ast
import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeGuard

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SCRIPT, WORKFLOWS, LINEAGE = (HERE / f"{name}_stories.py" for name in ("query", "workflow", "lineage"))


def names(script: Path) -> list[str]:
    (stories,) = [node.value for node in ast.parse(script.read_text()).body if _is_named(node, "STORIES")]
    assert isinstance(stories, ast.List)
    return [story.id for story in stories.elts if isinstance(story, ast.Name)]


def _is_named(node: ast.stmt, name: str) -> TypeGuard[ast.Assign | ast.AnnAssign]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


Tell = Callable[..., dict[str, str]]


@pytest.fixture(scope="module")
def tell(database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Tell:
    """All stories of a script in one process per database: Django reads its settings once a process."""
    return functools.cache(lambda *command: _told(command, database(), tmp_path_factory.mktemp("stories")))


def _told(command: tuple[object, ...], database: str, directory: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("P3S_", "DJANGO_"))}
    own = {"P3S_SERVER_DIR": str(directory), "P3S_DATABASE": database}
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        env={**kept, **own, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("story", names(SCRIPT))
def test_the_sql_keeps_its_word(tell: Tell, story: str) -> None:
    assert tell(SCRIPT)[story] == ""


@pytest.mark.parametrize("story", names(WORKFLOWS))
def test_the_sql_of_workflows_keeps_its_word(tell: Tell, story: str) -> None:
    assert tell(WORKFLOWS)[story] == ""


@pytest.mark.parametrize("story", names(LINEAGE))
def test_what_came_of_what_is_known(tell: Tell, story: str) -> None:
    assert tell(LINEAGE)[story] == ""


@pytest.mark.nightly
def test_what_came_of_ten_thousand_files_is_known_soon(tell: Tell) -> None:
    assert set(tell(LINEAGE, "long").values()) == {""}
