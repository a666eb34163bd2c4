"""Hatchling's build hook: bundles the frontend into the wheel, and into the checkout of an editable install."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class FrontendBuildHook(BuildHookInterface):  # type: ignore[misc, type-arg, unused-ignore]
    """Registered in pyproject.toml; hatchling finds the one subclass in this file."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 (hatchling's signature)
        source = Path(self.root) / "frontend" / "bundle.py"
        spec = importlib.util.spec_from_file_location("frontend_bundle", source)
        if spec is None or spec.loader is None:
            sys.exit(f"{source} is missing; build from a complete checkout")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        try:
            if module.bundle():
                self.app.display_info("frontend built")
        except module.BundleError as error:
            # One line for the person who builds; a traceback would bury it.
            sys.exit(str(error))
