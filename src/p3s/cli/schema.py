"""`p3s schema`: JSON Schemas of the files that people write, for editors and checks of their own."""

from typing import Annotated

import typer

from p3s.client import schemas
from p3s.protocol.errors import NotKnown
from p3s.protocol.guesses import guess

SCHEMA_HELP = """Print the JSON Schema of a format that people write; without a name, say which there are.

Examples:

  p3s schema template > template.schema.json

  echo '# yaml-language-server: $schema=template.schema.json' > calib.yaml      (an editor then completes and checks)
"""


def _names() -> list[str]:
    return schemas.names()


def schema(name: Annotated[str, typer.Argument(help="Which format.", autocompletion=_names)] = "") -> None:
    if not name:
        print("\n".join(schemas.names()))
        return
    try:
        print(schemas.text(name), end="")
    except KeyError:
        raise NotKnown(f"there is no schema {name!r}{guess(name, schemas.names())}") from None
