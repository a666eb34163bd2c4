"""JSON Schemas of the files that people write: a file here, NAME.json, is published as `p3s schema NAME`."""

from importlib import resources


def names() -> list[str]:
    """What is published."""
    found = resources.files(__name__).iterdir()
    return sorted(file.name.removesuffix(".json") for file in found if file.name.endswith(".json"))


def text(name: str) -> str:
    """The schema of this name, as it is published. Raises KeyError."""
    if name not in names():
        raise KeyError(name)
    return resources.files(__name__).joinpath(f"{name}.json").read_text()
