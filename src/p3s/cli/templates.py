"""`p3s workflow template ...`: write, check, store and show abstract workflows."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import time
from typing import Annotated, Any

import typer

from p3s.client import graphml_export, template_text
from p3s.client.sdk import Client
from p3s.client.template_store import spec_of
from p3s.client.templates import read, read_text
from p3s.domain.workflows.dag import check as check_rules
from p3s.protocol import codec
from p3s.protocol.errors import BadInput, Conflict, NotKnown, P3sError
from p3s.protocol.mistakes import refuse
from p3s.protocol.workflow_views import Template
from p3s.protocol.workflows import TemplateSpec

from . import complete, picture, show
from .options import DryRun, Json, User, Why

app = typer.Typer(no_args_is_help=True, help="Write, check, store and show templates: abstract workflows.")

Name = Annotated[str, typer.Argument(help="The template.", autocompletion=complete.templates)]
Version = Annotated[int | None, typer.Option(min=1, help="Not that in force, but this one.")]

NEW = """\
# p3s workflow template check @NAME@.yaml     says what is wrong, and where
# p3s workflow template put @NAME@.yaml       stores it; a change is a new version
# p3s workflow start @NAME@ --input data/*    runs it
workflow: @NAME@
description: Counts the lines with a word in each input, and adds them up.

parameters:                       # to be set at the start: -p word=beam; filled in as {word} in env, names and paths
  word: {default: beam, comment: what is counted}

defaults:                         # for every node that does not say otherwise
  jobtype: @NAME@
  time_limit: 10m

nodes:
  count:
    payload: grep -c -e "$WORD" "$P3S_INPUT_PATH" > "$COUNT" || test -s "$COUNT"
    shell: true                   # the payload is run by the shell; ./count.sh would be a file beside this one
    for_each: inputs              # one job for each input; the input is at $P3S_INPUT_PATH
    env: {WORD: "{word}"}
    out:
      COUNT: {name: "{input}.count"}          # $COUNT holds the path of what it is to write
    on_failure: continue          # stop: cancel the rest; skip: skip what depends on it; continue with what there is

  sum:
    payload: cat $COUNT | awk '{n += $1} END {print n}' > "$SUM"
    shell: true
    in: count.COUNT               # $COUNT holds the paths of all of them, separated by blanks
    out:
      SUM: {path: "sum of {word}.txt"}        # below the workflow's directory
"""


@app.command("new")
def new(name: Annotated[str, typer.Argument(help="Of the template; NAME.yaml is written.")]) -> None:
    """Write a template to begin with, with comments. Example: p3s workflow template new pedestals"""
    file = Path(f"{name}.yaml")
    text = NEW.replace("@NAME@", name)
    read_text(text, file)
    try:
        with file.open("x") as out:
            out.write(text)
    except FileExistsError:
        raise BadInput(f"{file} is there already; name another, or remove it first") from None
    except OSError as error:
        raise BadInput(f"cannot write {file}: {error.strerror}") from None
    print(f"wrote {file}")
    print("next:")
    quoted = shlex.quote(str(file))
    print(f"  p3s workflow template check {quoted}\n      what it would do")
    print(f"  p3s workflow template put {quoted}\n      store it")
    print(f"  p3s workflow start {shlex.quote(name)} FILE... --wait\n      run it for each FILE, and add up")


CHECK_HELP = """Say all that is wrong with template files, line by line, and what they would do. Asks no server.

Examples:

  p3s workflow template check calib.yaml

  p3s workflow template check *.yaml 1filter.graphml

The exit code is 2 if one of them is wrong.
"""


@app.command("check", help=CHECK_HELP)
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="YAML, or 2018's GraphML.")], json: Json = False
) -> None:
    found: list[dict[str, Any]] = []
    for file in files:
        try:
            template = read(file)
        except BadInput as error:
            found.append({"file": str(file), "good": False, "says": list(error.mistakes), "spec": None})
            continue
        doubts = picture.doubts(template)
        found.append({"file": str(file), "good": True, "says": doubts, "spec": codec.to_object(template)})
        if not json:
            print("\n" if any(one["good"] for one in found[:-1]) else "", end="")
            _tell(f"{file}: template {template.name}", template)
    if json:
        show.as_json([{**one, "spec": one["spec"] and {**one["spec"], "source": ""}} for one in found])
    for one in found:
        for line in one["says"]:
            show.note(f"note: {one['file']}: {line}" if one["good"] else f"p3s: {line}")
    if not all(one["good"] for one in found):
        raise typer.Exit(BadInput.exit_code)


def _tell(head: str, template: TemplateSpec) -> None:
    """What it would do, a line for each node."""
    print(show.plain(f"{head}, {show.count(len(template.nodes), 'node')}"))
    for name, one in template.parameters.items():
        print(show.plain(f"  -p {name}={_given(one.default)}  {_about(one)}"))
    show.table(picture.TITLES, picture.rows(template), "", ("runs",))


def _given(value: Any) -> str:
    """A parameter's value as -p takes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _about(parameter: Any) -> str:
    words = [parameter.type] if parameter.default is not None else [parameter.type, "must be given"]
    words += [f"from {parameter.min:g}"] if parameter.min is not None else []
    words += [f"to {parameter.max:g}"] if parameter.max is not None else []
    words += [f"one of {', '.join(map(str, parameter.choices))}"] if parameter.choices else []
    return ", ".join([*words, parameter.comment] if parameter.comment else words)


PUT_HELP = """Store templates. What has changed becomes a new version; workflows keep the one they were made from.

Examples:

  p3s workflow template put calib.yaml --why "new release"

  p3s workflow template put *.yaml

  p3s workflow template put 1filter.graphml --name filter

Of several files none is stored if one of them is wrong.
"""


@app.command("put", help=PUT_HELP)
def put(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="YAML, or 2018's GraphML.")],
    name: Annotated[str, typer.Option(help="Of a graph, which is named after its file otherwise.")] = "",
    description: Annotated[str, typer.Option(help="Of a graph: what it is for.")] = "",
    why: Why = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    if name and len(files) > 1:
        raise BadInput("--name: is for one graph; store them one by one")
    templates = _to_store(files, name, description)
    for file, template in templates.items():
        of = f"{file}: " if len(files) > 1 else ""
        for line in picture.doubts(template):
            show.note(f"note: {of}{line}")
    replies = []
    for template in templates.values():
        replies.append(_as_if(template) if dry_run else _stored(template, why))
        if not json:
            _tell_stored(replies[-1], dry_run)
    if json:
        show.as_json(replies if len(files) > 1 else replies[0])


def _to_store(files: Sequence[Path], name: str, description: str) -> dict[Path, TemplateSpec]:
    """The templates of the files, named and described. Raises BadInput with the mistakes of all files."""
    found: dict[Path, TemplateSpec] = {}
    wrong: list[str] = []
    for file in files:
        try:
            found[file] = _named(file, name, description)
        except BadInput as error:
            wrong += error.mistakes
    of_name: dict[str, Path] = {}
    for file, template in found.items():
        first = of_name.setdefault(template.name, file)
        if first != file:
            wrong.append(f"{file}: is the template {template.name!r}, and so is {first}; rename one")
    refuse(wrong)
    return found


def _named(file: Path, name: str, description: str) -> TemplateSpec:
    template = read(file)
    for option, value, word in (("--name", name, "workflow"), ("--description", description, "description")):
        if value and template.format == "yaml":
            raise BadInput(f"{option}: is for graphs; {file} says it itself: change {word}: there")
    template = replace(template, name=name or template.name, comment=description or template.comment)
    check_rules(template)
    return template


def _tell_stored(reply: dict[str, Any], dry_run: bool) -> None:
    done = "would be stored" if dry_run else "stored"
    print(f"{reply['name']}: {done if reply['changed'] else 'it was so already,'} as version {reply['version']}")


def _stored(template: TemplateSpec, why: str) -> dict[str, Any]:
    client = Client()
    reply = client.put_template(template, why)
    _note_types(client, template)
    return dict(reply)


def _note_types(client: Client, template: TemplateSpec) -> None:
    """A data type may be added after the template, but before a workflow of it."""
    used = {datum.type for datum in template.data.values()} - {""}
    known = {one["name"] for one in client.data_types()} if used else set()
    for name in sorted(used - known):
        show.note(f"note: the server does not know the data type {name} yet: p3s datatype add {name} --ext EXTENSION")


def _as_if(template: TemplateSpec) -> dict[str, Any]:
    """What storing would answer; without a server, as if there were none of this name."""
    try:
        client = Client(patience_s=0)
        _note_types(client, template)
        known = client.template(template.name)
    except NotKnown:
        return {"name": template.name, "version": 1, "changed": True}
    except P3sError as error:
        show.note(f"note: {error}; checked without it")
        return {"name": template.name, "version": 1, "changed": True}
    same = spec_of(known) == template and known["deleted_at"] is None
    return {"name": template.name, "version": known["version"] + (not same), "changed": not same}


@app.command("list")
def list_templates(
    name: Annotated[str, typer.Option(help="Only those that begin so.")] = "",
    user: User = "",
    deleted: Annotated[bool, typer.Option("--deleted", help="Those too that can be started no more.")] = False,
    json: Json = False,
) -> None:
    """List templates. Example: p3s workflow template list"""
    found = Client().templates(name=name, owner=user, deleted=deleted)
    if json:
        show.as_json(found)
        return
    now = time()
    titles = ("template", "version", "nodes", "owner", "changed", "for")
    rows = (
        (
            one["name"],
            one["version"],
            one["nodes"],
            one["owner"],
            "deleted" if one["deleted_at"] else f"{show.age(one['updated_at'], now)} ago",
            next(iter(one["comment"].strip().splitlines()), ""),
        )
        for one in found
    )
    show.table(titles, rows, "no templates; p3s workflow template new NAME writes one to begin with", ("owner",))


@app.command("show")
def show_template(name: Name, version: Version = None, json: Json = False) -> None:
    """Show a template: what it would do, and its versions. Example: p3s workflow template show calib"""
    found = Client().template(name, version)
    if json:
        show.as_json(found)
        return
    template = spec_of(found)
    if template.comment.strip():
        print(show.plain(template.comment.rstrip()))
    state = "; deleted: it can be started no more" if found["deleted_at"] else ""
    _tell(f"{name}, version {found['shown']} of {found['version']}{state}", template)
    print()
    now = time()
    rows = (
        (f"version {one['version']}", f"{show.age(one['at'], now)} ago", one["owner"], one["why"])
        for one in found["versions"]
    )
    show.table(("", "stored", "by", "why"), rows, "")


@app.command("delete")
def delete(name: Name, why: Why = "", dry_run: DryRun = False, json: Json = False) -> None:
    """Delete a template: it is started no more; workflows of it go on. Example: p3s workflow template delete calib"""
    client = Client()
    if dry_run:
        _tell_deletion(client.template(name), json)
        return
    reply = client.delete_template(name, why)
    if json:
        show.as_json(reply)
        return
    running = reply["running"]
    goes_on = f"; {show.count(running, 'workflow')} of it {'goes' if running == 1 else 'go'} on" if running else ""
    print(f"{show.plain(name)}: deleted{goes_on}")


def _tell_deletion(found: Template, json: bool) -> None:
    if found["deleted_at"]:
        raise Conflict(f"the template {found['name']!r} was deleted already")
    if json:
        show.as_json({"name": found["name"], "running": None})
        return
    print(f"{show.plain(found['name'])}: would be deleted, all {show.count(found['version'], 'version')}")


EXPORT_HELP = """Print a template as text: as it was put, or in the other format.

Examples:

  p3s workflow template export calib > calib.yaml

  p3s workflow template export calib --graphml > calib.graphml     (2018's tools and graph libraries read it)

  p3s workflow template export 1filter --yaml                      (how 2018's graph is written now)
"""


@app.command("export", help=EXPORT_HELP)
def export(
    name: Name,
    version: Version = None,
    graphml: Annotated[bool, typer.Option("--graphml", help="As GraphML.")] = False,
    yaml: Annotated[bool, typer.Option("--yaml", help="As YAML.")] = False,
) -> None:
    if graphml and yaml:
        raise BadInput("p3s workflow template export: choose --graphml or --yaml")
    template = Client().template_spec(name, version)
    writers: dict[str, Callable[[TemplateSpec], str]] = {"graphml": graphml_export.write, "yaml": template_text.write}
    wanted = "graphml" if graphml else "yaml" if yaml else template.format
    own = template.source if wanted == template.format else ""
    show.text(own or writers[wanted](template))
