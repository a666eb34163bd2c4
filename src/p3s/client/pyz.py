"""The pilot as one file: protocol + transport + pilot in a zip that any Python from 3.9 runs."""

import zipapp
from pathlib import Path
from shutil import copytree, ignore_patterns
from tempfile import TemporaryDirectory

import p3s

PARTS = ("protocol", "transport", "pilot")
SHEBANG = "/usr/bin/env python3"


def build(target: Path) -> Path:
    """Write `p3s-pilot.pyz`; whole or not at all."""
    source = Path(p3s.__file__).parent
    with TemporaryDirectory() as scratch:
        package = Path(scratch) / "app" / "p3s"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text('"""p3s, as far as the pilot needs it."""\n')
        for part in PARTS:
            copytree(source / part, package / part, ignore=ignore_patterns("__pycache__", "*.pyc"))
        (package.parent / "__main__.py").write_text(
            "import sys\n\nfrom p3s.pilot.__main__ import main\n\nsys.exit(main())\n"
        )
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f".{target.name}.part")
        zipapp.create_archive(package.parent, unfinished, interpreter=SHEBANG, compressed=True)
        unfinished.replace(target)
    return target
