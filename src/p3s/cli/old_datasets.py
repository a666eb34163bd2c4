"""What the options of 2018's `dataset.py` are now. Reads no more than the JSON that one of them names."""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

from .old_options import NoCounterpart, Words, needed

_STATES = {"defined": "registered", "template": "registered"}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Those of dataset.py."""
    parser.add_argument("-r", "--register", action="store_true", help="register files: -j FILE.json or JSON")
    parser.add_argument("-R", "--registertype", action="store_true", help="register a data type: -j FILE.json or JSON")
    parser.add_argument("-D", "--deltype", default="", metavar="NAME", help="delete a data type")
    parser.add_argument(
        "-a", "--adjust", default="", metavar="UUID", help="change a file's record: -j FILE.json or JSON"
    )
    parser.add_argument("-d", "--delete", action="store_true", help="delete a file's record: -u UUID")
    parser.add_argument("-G", "--get", action="store_true", help="is it known? -f NAME")
    parser.add_argument(
        "-g", "--generate", action="store_true", help="make a job for a file: -J TEMPLATE -f FILE -i DIR"
    )
    parser.add_argument("-j", "--json", default="", metavar="JSON", help="a file, or the text itself")
    parser.add_argument("-u", "--uuid", default="", help="datasets, by commas")
    parser.add_argument("-J", "--template", default="", metavar="FILE", help="job description")
    parser.add_argument("-f", "--file", default="", metavar="NAME", help="the file")
    parser.add_argument("-i", "--inputdir", default="", metavar="DIR", help="where it lies")
    parser.add_argument("-A", "--again", action="store_true", help="also if a job was made for it already")
    parser.add_argument("-N", "--noregister", action="store_true", help="without registering it")
    parser.add_argument("-T", "--jobtype", default="", help="instead of the description's")


def commands(asked: argparse.Namespace) -> list[Words]:
    """What is to be run. Raises NoCounterpart."""
    if asked.register:
        return _registered(asked.json, ["dataset", "register"], _file)
    if asked.registertype:
        return _registered(asked.json, ["datatype", "add"], _type)
    if asked.deltype:
        return [["datatype", "delete", asked.deltype]]
    if asked.adjust:
        return [["dataset", "adjust", asked.adjust, *_changes(_one(asked.json))]]
    if asked.delete:
        named = [word.strip() for word in asked.uuid.split(",") if word.strip()]
        return [["dataset", "delete", *needed(named, "-d needs datasets: -u UUID")]]
    if asked.get:
        return [["dataset", "show", *needed([asked.file], "-G needs a name: -f NAME")]]
    if asked.generate:
        return _generated(asked)
    raise NoCounterpart("say what to do: -r -j FILE registers, -g makes a job, -G -f NAME asks (-U shows all)")


# ---- files and data types as JSON


def _registered(given: str, command: Words, words: Any) -> list[Words]:
    """A file of JSON is read by the new command; the text itself becomes its options."""
    needed([given], "-r and -R need a description: -j FILE.json, or the JSON itself")
    if not given.lstrip().startswith(("{", "[")):
        return [[*command, given]]
    return [[*command, *words(one)] for one in _entries(given)]


def _entries(text: str) -> list[dict[str, Any]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NoCounterpart(f"-j: is no JSON: {error}") from None
    entries = document if isinstance(document, list) else [document]
    if not entries or not all(isinstance(one, dict) and isinstance(one.get("name", ""), str) for one in entries):
        raise NoCounterpart('-j: must be an object or a list of them, like {"name": "a.root", "dirpath": "/data"}')
    return entries


def _file(entry: dict[str, Any]) -> Words:
    directory, name = str(entry.get("dirpath", "")), str(entry.get("name", ""))
    needed([name], "-j: name is missing: the file's")
    state = str(entry.get("state", ""))
    words = [f"{directory.rstrip('/')}/{name}" if directory else name]
    return words + _options(entry) + (["--state", _STATES.get(state, state)] if state else [])


def _type(entry: dict[str, Any]) -> Words:
    words = needed([str(entry.get("name", ""))], "-j: name is missing: the data type's")
    return words + [word for name in ("ext", "comment") if entry.get(name) for word in (f"--{name}", str(entry[name]))]


def _options(entry: dict[str, Any]) -> Words:
    return [word for name in ("datatype", "comment") if entry.get(name) for word in (f"--{name}", str(entry[name]))]


def _one(given: str) -> dict[str, Any]:
    """The JSON object that -a comes with."""
    needed([given], "-a needs what is to be other: -j FILE.json, or the JSON itself")
    text = given
    if not given.lstrip().startswith("{"):
        try:
            text = Path(given).read_text()
        except (OSError, UnicodeDecodeError):
            raise NoCounterpart(f"-j: cannot read {given}") from None
    return _entries(text)[0]


def _changes(entry: dict[str, Any]) -> Words:
    """A file's name and directory are its address now."""
    words = _options(entry)
    if entry.get("state"):
        words += ["--state", str(entry["state"])]
    if entry.get("dirpath") and entry.get("name"):
        words += ["--url", f"{str(entry['dirpath']).rstrip('/')}/{entry['name']}"]
    return needed(words, "-j: names nothing that can be changed: comment, state, datatype, or name and dirpath")


# ---- a job for a file


def _generated(asked: argparse.Namespace) -> list[Words]:
    """With a directory the file is registered first, and the job counts as made of it; its payload finds the bare name
    in P3S_INPUT_FILE, as then."""
    if not asked.template or not asked.file:
        raise NoCounterpart("-g needs a description and a file: -g -J TEMPLATE -f FILE -i DIR")
    place = str(Path(asked.inputdir, asked.file).absolute()) if asked.inputdir else asked.file
    command = ["job", "submit", asked.template, "-f", place]
    command += ["-e", f"P3S_INPUT_DIR={asked.inputdir}", "-e", "P3S_INPUT_AS=name"] if asked.inputdir else []
    command += ["--jobtype", asked.jobtype] if asked.jobtype else []
    if not (asked.again or asked.noregister):
        command += ["--key", _once(asked.jobtype or asked.template, asked.inputdir, asked.file)]
    if asked.noregister or not asked.inputdir:
        return [command]
    return [["dataset", "register", place, "--state", "available", "--quiet"], command]


def _once(*parts: str) -> str:
    """A key of the submission by which the same file makes no second job of the same kind."""
    return "dataset.py:" + hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
