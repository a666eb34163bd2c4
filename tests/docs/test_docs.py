"""The documents are true: links lead somewhere, commands exist, variables are named, examples work."""

import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click
import pytest
import typer
import yaml

from p3s.cli.main import app
from p3s.client import descriptions, templates
from p3s.pilot.collect import Collected, collect
from p3s.protocol import messages, results
from p3s.server.monitor import commands
from p3s.watcher import streams

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    {ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")} | set(ROOT.glob("docs/**/*.md"))
)
PAGES += sorted(ROOT.glob("examples/*.md"))
PAYLOAD_TOOLS = ROOT / "src/p3s/pilot/payload"

page = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)} {self.language}: {self.text[:30]!r}"


def blocks(path: Path) -> Iterator[Block]:
    for found in re.finditer(r"^```(\w*)\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL):
        yield Block(path, found[1], found[2])


ALL_BLOCKS = [block for path in PAGES for block in blocks(path)]


def of(*languages: str) -> list[Block]:
    return [block for block in ALL_BLOCKS if block.language in languages]


def prose(path: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)


# ---- links


def headings(path: Path) -> set[str]:
    """Anchors of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@page
def test_every_link_leads_to_a_file(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"https?://", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{page.name} links to {target}, which is not there"
        assert not anchor or anchor in headings(file), f"{page.name} links to {target}: no such heading"


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in reached or path.suffix != ".md" or not path.is_file():
            continue
        reached.add(path)
        targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose(path))
        waiting += [(path.parent / target).resolve() for target in targets if "://" not in target]
    assert set(PAGES) - reached == set()


@pytest.mark.parametrize("name", ["front.png", "run.png"])
def test_pictures_are_small(name: str) -> None:
    assert (ROOT / "docs/pictures" / name).stat().st_size < 300_000


# ---- commands


def command_lines() -> Iterator[tuple[str, str]]:
    """(where, command) of every `p3s ...` in blocks of the shell and in the text."""
    for block in of("sh", "console"):
        lines = block.text.replace("\\\n", " ").splitlines()
        prompt = r"\$ " if block.language == "console" else r"\s*(?:\$ )?"
        for line, following in zip(lines, [*lines[1:], ""], strict=True):
            found = re.match(rf"{prompt}(?:[A-Z_]+=\S+ )*(?:uv run )?(p3s .*)", line)
            if found and not following.startswith("p3s: there is no command"):  # a mistake on purpose
                yield str(block), found[1]
    for path in PAGES:
        for span in re.findall(r"`(p3s [^`]+)`", prose(path)):
            yield path.name, span
    for command in commands.ALL.values():
        yield "an empty page", command
    for where, text in helps(typer.main.get_command(app), "p3s"):
        for found in re.findall(r"(?:^ *|Examples?: | \| )(p3s .*?)(?= \| p3s| {3,}|$)", text, re.MULTILINE):
            yield where, found


def helps(command: Any, words: str) -> Iterator[tuple[str, str]]:
    """The help of each command, with its words."""
    yield f"{words} --help", command.help or ""
    for name, below in getattr(command, "commands", {}).items():
        if not below.hidden:
            yield from helps(below, f"{words} {name}")


LINES = sorted(set(command_lines()))


@pytest.mark.parametrize(("where", "line"), LINES, ids=[line for _, line in LINES])
def test_every_command_is_known(where: str, line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    command: click.Command = typer.main.get_command(app)
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        word = words.pop(0)
        assert word in command.commands, f"{where}: {line!r}: there is no command {word!r}"
        command = command.commands[word]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    own = words[: words.index("--")] if "--" in words else words
    for word in own:
        if word.startswith("-"):
            assert word.split("=")[0] in known, f"{where}: {line!r}: there is no option {word}"


def test_every_task_named_is_in_the_justfile() -> None:
    recipes = set(re.findall(r"^([a-z]+)(?: .*)?:$", (ROOT / "justfile").read_text(), re.MULTILINE))
    named = {task for path in PAGES for task in re.findall(r"`just ([a-z]+)`", path.read_text())}
    assert named
    assert named <= recipes


# ---- variables and fields


def test_every_variable_is_named_in_the_docs() -> None:
    files = [path for path in (ROOT / "src").rglob("*") if path.suffix in (".py", "") and path.is_file()]
    used = {name for path in files for name in re.findall(r"\bP3S_[A-Z][A-Z_]*", path.read_text(errors="replace"))}
    text = "".join(path.read_text() for path in PAGES)
    assert used
    assert {name for name in used if not re.search(rf"\b{name}(?![A-Z_])|\b{name}\*", text)} == set()


@pytest.mark.parametrize(
    "message",
    [
        messages.RegisterRequest,
        messages.RegisterReply,
        messages.ExchangeRequest,
        messages.ExchangeReply,
        messages.Order,
        messages.Instruction,
        messages.Held,
        messages.Report,
        messages.Verdict,
        messages.DeathRequest,
    ],
)
def test_the_protocol_page_names_every_field(message: Any) -> None:
    text = (ROOT / "docs/protocol.md").read_text()
    assert [field.name for field in fields(message) if f"`{field.name}`" not in text] == []


def test_the_result_page_names_every_kind() -> None:
    text = (ROOT / "docs/results.md").read_text()
    assert [kind for kind in results.KINDS if f"| `{kind}` |" not in text] == []


def test_words_are_found_by_their_letters() -> None:
    words = re.findall(r"^\| \*\*(.+?)\*\* \|", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)
    assert words == sorted(words, key=str.lower)


# ---- examples


@pytest.mark.parametrize("block", of("yaml"), ids=str)
def test_yaml_is_what_p3s_reads(block: Block, tmp_path: Path) -> None:
    document = yaml.safe_load(block.text)
    file = tmp_path / "example.yaml"
    file.write_text(block.text)
    if "workflow" in document:
        assert templates.read(file)
        return
    assert streams.read(file).streams if "streams" in document else descriptions.read(file).jobs


@pytest.mark.parametrize("block", of("json"), ids=str)
def test_json_is_what_p3s_reads(block: Block, tmp_path: Path) -> None:
    documents = json.loads(block.text)
    if "p3s_result" not in documents[0]:
        file = tmp_path / "example.json"
        file.write_text(block.text)
        assert descriptions.read(file).jobs
        return
    for document in results.decode(block.text):
        checked = results.check(document, {"hits_U3.svg", "hits_V3.svg", "hits_Z3.svg", "hist.root", "lar.log"})
        assert [item.note for item in checked.items if item.note] == []


@pytest.mark.parametrize("name", ["count.sh", "spectrum.py", "streams.yaml"])
def test_the_readme_shows_the_files_of_examples(name: str) -> None:
    shown = {block.text for block in blocks(ROOT / "README.md")}
    assert (ROOT / "examples" / name).read_text() in shown


@pytest.mark.parametrize("name", ["streams.yaml", "jobs.yaml"])
def test_examples_are_what_p3s_reads(name: str) -> None:
    file = ROOT / "examples" / name
    assert streams.read(file).streams if name == "streams.yaml" else descriptions.read(file).jobs


def test_the_example_stream_names_payloads_that_are_there() -> None:
    [stream] = streams.read(ROOT / "examples/streams.yaml").streams
    for job in stream.spec.jobs.values():
        assert os.access(job.payload, os.X_OK), job.payload


@dataclass
class Node:
    """A payload's surroundings, as the pilot makes them."""

    directory: Path

    def run(self, *command: str) -> Collected:
        """Run a payload; what it published. Its input are 1,000 numbers of run 7."""
        published = self.directory / "results"
        published.mkdir()
        data = self.directory / "run7_1.txt"
        data.write_text("".join(f"{20 + number % 61}\n" for number in range(1000)))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("P3S_", "PYTHON"))}
        kept["PATH"] = f"{PAYLOAD_TOOLS}{os.pathsep}{kept['PATH']}"
        given = {"PYTHONPATH": str(PAYLOAD_TOOLS), "P3S_RUN": "7", "P3S_SUBRUN": "1"}
        given |= {"P3S_INPUT_PATH": str(data), "P3S_RESULT_DIR": str(published)}
        subprocess.run(command, env=kept | given, cwd=self.directory, check=True, timeout=60)
        return collect(published)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def notes(found: Collected) -> list[str]:
    """What is wrong with what was published."""
    problems = [item["problem"] for result in found.results for item in result["items"] if "problem" in item]
    return [*found.problems, *problems]


@pytest.mark.parametrize(("name", "category"), [("count.sh", "Counts"), ("spectrum.py", "Spectrum")])
def test_the_example_payloads_publish(node: Node, name: str, category: str) -> None:
    found = node.run(str(ROOT / "examples" / name))
    assert notes(found) == []
    assert [(result["category"], result["run"]) for result in found.results] == [(category, 7)]


def test_the_python_of_the_results_page_publishes(node: Node) -> None:
    [whole] = [block for block in blocks(ROOT / "docs/results.md") if "with Result(" in block.text]
    found = node.run(sys.executable, "-c", whole.text)
    assert notes(found) == []
    names = ["Hits", "dead channels", "lifetime", "Channels", "HV", "FEMBs"]
    assert [item["name"] for item in found.results[0]["items"]] == names
    assert len(found.files) == 3


def test_the_shell_of_the_results_page_publishes(node: Node) -> None:
    texts = [block.text for block in blocks(ROOT / "docs/results.md") if "p3s-publish" in block.text]
    (node.directory / "plot.png").write_bytes(b"\x89PNG")
    found = node.run("/bin/sh", "-ec", "\n".join(texts))
    assert notes(found) == []
    assert [[item["name"] for item in one["items"]] for one in found.results] == [
        ["Hits", "dead", "FEMBs"],
        ["Channels"],
    ]


@pytest.mark.parametrize("block", of("python"), ids=str)
def test_python_is_python(block: Block) -> None:
    compile(textwrap.dedent(block.text), str(block), "exec")
