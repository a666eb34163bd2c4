"""The writer's SQL, the same on both databases: every change of state is a compare-and-set."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SCRIPT = HERE / "query_stories.py"


def names() -> list[str]:
    tree = ast.parse(SCRIPT.read_text())
    (stories,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "STORIES"
    ]
    assert isinstance(stories, ast.List)
    return [story.id for story in stories.elts if isinstance(story, ast.Name)]


@pytest.fixture(scope="module")
def outcome(database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """All stories in one process per database: Django reads its settings once a process."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("P3S_", "DJANGO_"))}
    own = {"P3S_SERVER_DIR": str(tmp_path_factory.mktemp("stories")), "P3S_DATABASE": database()}
    done = subprocess.run(
        [sys.executable, str(SCRIPT)],
        env={**kept, **own, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("story", names())
def test_the_sql_keeps_its_word(outcome: dict[str, str], story: str) -> None:
    assert outcome[story] == "", outcome[story]
