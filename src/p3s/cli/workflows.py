"""`p3s workflow ...`"""

import typer

from . import templates

app = typer.Typer(no_args_is_help=True, help="Workflows, and the templates that they are made from.")

app.add_typer(templates.app, name="template")
