"""The shape of the code: who may import whom, how long things are, what is caught, what is written where."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from p3s.protocol.states import JobState, PilotState, Reason

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src" / "p3s"
BIN = Path(sys.executable).parent

MODULE_LINES = 400
FUNCTION_LINES = 40
LONGEST_FUNCTION = 60

#: Boundaries where whatever went wrong must not go further. Each says in its place why.
BROAD = {
    "pilot/agent.py": "whatever a job's results are like, its end is reported and its slot is free again",
    "server/broker/broker.py": "one request's failure must not be another's; the writer's own ends the process",
    "server/upkeep/services.py": "a service's failure is written down and told; the others go on",
    "server/project/admin.py": "what a view raises in the writer's thread is raised again where the request came from",
}


def modules() -> list[Path]:
    found = [path for path in SRC.rglob("*.py") if "migrations" not in path.parts and "node_modules" not in path.parts]
    assert len(found) > 50
    return sorted(found)


def name_of(path: Path) -> str:
    return path.relative_to(SRC).as_posix()


def functions() -> Iterator[tuple[str, int]]:
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                yield f"{name_of(path)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


# ---- imports


def test_import_contracts_are_kept() -> None:
    program = BIN / "lint-imports"
    if not program.exists():
        pytest.skip("needs import-linter (the dev group)")
    done = subprocess.run(
        [str(program), "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=170, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("part", ["protocol", "transport", "pilot"])
def test_what_runs_on_worker_nodes_needs_python_3_9_only(part: str) -> None:
    program = BIN / "vermin"
    if not program.exists():
        pytest.skip("needs vermin (the dev group)")
    command = [str(program), "--no-tips", "--violations", "--eval-annotations", "-t=3.9-", str(SRC / part)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize("part", ["protocol", "transport", "pilot"])
def test_what_runs_on_worker_nodes_imports_the_standard_library_and_itself_only(part: str) -> None:
    for path in sorted((SRC / part).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in names:
                top, _, rest = name.partition(".")
                known = (
                    top in sys.stdlib_module_names
                    or (path.parent / f"{name}.py").is_file()  # what payloads find stands beside it
                    or name == "p3s"
                    or rest.split(".")[0]
                    in (
                        "protocol",
                        "transport",
                        "pilot",
                    )
                )
                assert known, f"{name_of(path)}:{node.lineno} imports {name}"


def test_foreign_keys_point_one_way() -> None:
    """Django's relations by name are no imports, so import contracts do not see them."""
    text = """
import json, os
os.environ["DJANGO_SETTINGS_MODULE"] = "p3s.server.project.settings"
import django; django.setup()
from django.apps import apps
edges = {(model._meta.app_label, field.related_model._meta.app_label)
         for model in apps.get_models() if model.__module__.startswith("p3s.")
         for field in model._meta.get_fields() if field.many_to_one and field.concrete}
print(json.dumps(sorted(edges)))
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    edges = {tuple(edge) for edge in ast.literal_eval(done.stdout)}
    level = {
        "results": 3,
        "workflows": 3,
        "jobs": 2,
        "pilots": 1,
        "data": 1,
        "journal": 1,
        "accounts": 1,
        "services": 1,
    }
    assert edges, "there are some"
    for start, end in edges:
        assert start == end or level[start] > level[end], f"{start} points to {end}"


# ---- sizes and names


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_modules_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MODULE_LINES


def test_functions_are_short() -> None:
    found = list(functions())
    long = [place for place, lines in found if lines > FUNCTION_LINES]
    assert len(long) <= len(found) * 0.05, long
    assert [place for place, lines in found if lines > LONGEST_FUNCTION] == []


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_names_say_what_is_inside(path: Path) -> None:
    words = set(re.split(r"[_.]", "_".join((*path.relative_to(SRC).parts[:-1], path.stem))))
    assert not words & {"utils", "util", "helpers", "helper", "common", "manager", "managers", "logic", "misc"}


def test_public_functions_and_modules_say_what_they_do() -> None:
    silent = [
        name_of(path)
        for path in modules()
        if not ast.get_docstring(ast.parse(path.read_text())) and path.name not in ("apps.py", "__init__.py")
    ]
    assert silent == []


# ---- what is caught


def handlers() -> Iterator[tuple[str, int, str]]:
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler):
                caught = ast.unparse(node.type) if node.type else ""
                yield name_of(path), node.lineno, caught


def test_no_except_is_bare() -> None:
    assert [place for place in handlers() if not place[2]] == []


def test_broad_excepts_stand_at_listed_boundaries_only() -> None:
    broad = {name for name, _, caught in handlers() if {"Exception", "BaseException"} & set(re.findall(r"\w+", caught))}
    # What cleans up and raises again hides nothing.
    hidden = {name for name in broad if name not in BROAD and not all_raise_again(SRC / name)}
    assert hidden == set()
    assert broad >= set(BROAD), "a boundary that is listed is there"


def all_raise_again(path: Path) -> bool:
    for node in ast.walk(ast.parse(path.read_text())):
        broad = (
            isinstance(node, ast.ExceptHandler)
            and node.type
            and ast.unparse(node.type) in ("Exception", "BaseException")
        )
        if broad and not (isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None):
            return False
    return True


# ---- what is written where


@pytest.mark.parametrize("part", ["api", "monitor", "door"])
def test_entrances_write_nothing_themselves(part: str) -> None:
    words = re.compile(r"\.(save|create|update|delete|bulk_create|bulk_update|get_or_create|update_or_create)\(")
    for path in sorted((SRC / "server" / part).rglob("*.py")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = words.search(line)
            # A set or a dictionary of the page's own is updated too, and a route may have the method DELETE.
            own = found is not None and re.search(
                r"\b(components|shown|params|context|environ|headers)\.update\(|^@router\.delete\(", line
            )
            assert not found or own, f"{name_of(path)}:{number} {line.strip()}"


def test_the_writer_s_sql_stands_in_the_tables_queries() -> None:
    statement = re.compile(r"\b(INSERT INTO|DELETE FROM|UPDATE \w+ SET)\b")
    for path in modules():
        if statement.search(path.read_text()):
            assert path.name == "queries.py", f"{name_of(path)} has SQL that writes"


# ---- words

STATES = SRC / "protocol" / "states.py"


@pytest.mark.parametrize("kind", [JobState, PilotState, Reason], ids=lambda kind: kind.__name__)
def test_every_state_and_reason_says_what_it_means(kind: type) -> None:
    (body,) = [
        node.body
        for node in ast.parse(STATES.read_text()).body
        if isinstance(node, ast.ClassDef) and node.name == kind.__name__
    ]
    for node, following in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id != "NONE":
            text = following.value if isinstance(following, ast.Expr) else None
            assert isinstance(text, ast.Constant), f"{node.targets[0].id} has no line of its own"
            assert str(text.value).strip().endswith((".", ")"))


def test_every_reason_is_given_somewhere() -> None:
    """By its name on the server, by its word on the pilot, which has the protocol alone."""
    text = "\n".join(path.read_text() for path in modules() if path != STATES)
    unused = [
        reason.name for reason in Reason if f"Reason.{reason.name}" not in text and f'"{reason.value}"' not in text
    ]
    planned = {"NONE"}
    assert set(unused) <= planned


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("needs a git checkout")
    return [ROOT / name for name in done.stdout.decode().split("\0") if name]


def test_nothing_kept_names_a_registry_or_one_machine_s_paths() -> None:
    # Put together here, so that this file does not hold what it looks for.
    words = ["/wo" + "rk/", "pypi" + ".org", "files.python" + "hosted.org", "registry." + "npmjs", "/ro" + "ot/."]
    found = []
    for path in tracked():
        if not path.is_file():
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {word}" for word in words if word in text]
    assert found == []


def test_what_is_built_or_fetched_is_not_kept() -> None:
    names = [path.relative_to(ROOT).as_posix() for path in tracked()]
    assert [name for name in names if "node_modules" in name or name == "uv.lock" or "/static/built/" in name] == []
