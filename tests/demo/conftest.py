"""Running a payload of the demo as p3s does: a process that knows p3s by its environment only."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled modules for all payloads of the session: compiling the ROOT libraries anew takes most of their time."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture
def run_payload(tmp_path: Path, compiled: Path) -> Run:
    """run(script, input, *words, **environment): the results go to tmp_path / "result"."""
    (tmp_path / "result").mkdir()

    def run(script: str, data: Path | None, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        kept = {name: value for name, value in os.environ.items() if not name.startswith("P3S_")}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        kept["PYTHONPYCACHEPREFIX"] = str(compiled)
        kept["PYTHONPATH"] = str(ROOT / "src/p3s/pilot/payload")
        kept["P3S_RESULT_DIR"] = str(tmp_path / "result")
        if data is not None:
            kept["P3S_INPUT_PATH"] = str(data)
        return subprocess.run(
            [sys.executable, str(ROOT / "src/p3s/demo/payloads" / script), *words],
            env={**kept, **more},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run
