"""When the package build bundles the frontend, and when it leaves it alone."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
FRONTEND = ROOT / "frontend"


@pytest.fixture(scope="module")
def bundle() -> ModuleType:
    spec = importlib.util.spec_from_file_location("frontend_bundle", FRONTEND / "bundle.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def here(tmp_path: Path) -> Path:
    copy = tmp_path / "frontend"
    shutil.copytree(FRONTEND, copy, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    return copy


@pytest.fixture
def built(tmp_path: Path, bundle: ModuleType, here: Path) -> Path:
    """As a build leaves it."""
    made = tmp_path / "built"
    made.mkdir()
    (made / "main.js").write_text("made();")
    (made / "style.css").write_text("body{}")
    (made / bundle.STAMP).write_text(bundle.stamp_text(bundle.fingerprint(here), made))
    return made


def test_a_fresh_result_is_left_alone(bundle: ModuleType, here: Path, built: Path) -> None:
    assert bundle.is_current(here, built)
    assert bundle.bundle(here, built) is False


@pytest.mark.parametrize(
    "name", ["package.json", "package-lock.json", "build.mjs", "bundle.py", "src/main.js", "src/style.css"]
)
def test_any_changed_input_asks_for_a_build(bundle: ModuleType, here: Path, built: Path, name: str) -> None:
    with (here / name).open("a") as file:
        file.write("\n")
    assert not bundle.is_current(here, built)


def test_a_new_source_file_asks_for_a_build(bundle: ModuleType, here: Path, built: Path) -> None:
    (here / "src" / "new.js").write_text("")
    assert not bundle.is_current(here, built)


@pytest.mark.parametrize("harm", ["lost", "cut", "unstamped"])
def test_a_damaged_result_asks_for_a_build(bundle: ModuleType, here: Path, built: Path, harm: str) -> None:
    if harm == "cut":
        (built / "main.js").write_text("")
    else:
        (built / ("main.js" if harm == "lost" else bundle.STAMP)).unlink()
    assert not bundle.is_current(here, built)


def test_nothing_built_asks_for_a_build(bundle: ModuleType, here: Path, tmp_path: Path) -> None:
    assert not bundle.is_current(here, tmp_path / "absent")


def test_a_result_is_replaced_as_a_whole(bundle: ModuleType, tmp_path: Path, built: Path) -> None:
    new = tmp_path / "new"
    new.mkdir()
    (new / "main.js").write_text("new();")
    bundle.replace(new, built)
    assert [path.name for path in built.iterdir()] == ["main.js"]
    assert [path.name for path in built.parent.iterdir() if path.name.startswith(".built")] == []


def test_a_failing_program_gives_one_line_that_says_what_to_do(bundle: ModuleType, tmp_path: Path) -> None:
    script = "import sys; print('npm warn x\\nECONNREFUSED\\nmore', file=sys.stderr); sys.exit(1)"
    with pytest.raises(bundle.BundleError) as failed:
        bundle.run([sys.executable, "-c", script], tmp_path, "check the network")
    assert str(failed.value) == "frontend: check the network (ECONNREFUSED | more)"


def test_versions_are_exact_and_the_lock_names_no_registry() -> None:
    package = json.loads((FRONTEND / "package.json").read_text())
    for version in {**package["dependencies"], **package["devDependencies"]}.values():
        assert version[0].isdigit()
    lock = json.loads((FRONTEND / "package-lock.json").read_text())
    assert [name for name, entry in lock["packages"].items() if "resolved" in entry] == []
    assert all("integrity" in entry for name, entry in lock["packages"].items() if name)


def test_no_foreign_javascript_is_in_git() -> None:
    found = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip("not a git checkout")
    scripts = [name for name in found.stdout.splitlines() if name.endswith((".js", ".mjs", ".css", ".map"))]
    assert [name for name in scripts if not name.startswith(("frontend/src/", "frontend/build.mjs"))] == []
    assert not any("node_modules" in name or "static/built" in name for name in found.stdout.splitlines())
