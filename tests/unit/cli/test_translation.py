"""What the command lines of 2018 are now."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import typer

from p3s.cli.main import app
from p3s.cli.translation import CLIENTS, NoCounterpart, Translation, translate


def now(line: str, environment: Mapping[str, str] | None = None) -> Translation:
    client, *words = line.split()
    return translate(client, words, environment or {})


LINES = [
    ("job.py -j jobs.json", ["job submit jobs.json"]),
    ("job.py -j jobs.json -N 3", ["job submit jobs.json -N 3 --delay 1000ms"]),
    ("job.py -j jobs.json -N 3 -D 0", ["job submit jobs.json -N 3"]),
    ("job.py -j jobs.json -f a.root,b.root", ["job submit jobs.json -f a.root -f b.root"]),
    ("job.py -j jobs.json -V v07_13_01", ["job submit jobs.json -e DUNETPCVER=v07_13_01"]),
    ("job.py -a -u U1,U2 -P 7", ["job adjust U1 U2 --priority 7"]),
    ("job.py -a -u U -s defined", ["job release U"]),
    ("job.py -a -u U -s template -P 0", ["job adjust U --priority 0", "job hold U"]),
    ("job.py -k -u U", ["job cancel U"]),
    ("job.py -l", ["jobtype list"]),
    ("job.py -l -T evdisp -L -1", ["jobtype list"]),
    ("job.py -l -T evdisp -L 0", ["jobtype set evdisp --cap 0"]),
    ("workflow.py -g x.graphml", ["workflow template put x.graphml"]),
    (
        "workflow.py -g x.graphml -n y -D what-for",
        ["workflow template put x.graphml --name y --description what-for"],
    ),
    ("workflow.py -G y", ["workflow template export y --graphml"]),
    ("workflow.py -G -n y", ["workflow template export y --graphml"]),
    ("workflow.py -a y", ["workflow start y --hold"]),
    (
        "workflow.py -a y -n w -s defined -f sticky -j jobs.json",
        ["workflow start y --name w --fileinfo sticky --jobinfo jobs.json"],
    ),
    ("workflow.py -m -u U1,U2 -s defined", ["workflow release U1 U2"]),
    ("workflow.py -m -u U -s cancelled", ["workflow cancel U"]),
    ("workflow.py -d -w dag -n x,y", ["workflow template delete x", "workflow template delete y"]),
    ("pilot.py", ["pilot start --slots 1"]),
    ("pilot.py -s lxbatch -c 10 -p 60", ["pilot start --slots 1 --site lxbatch --life 600s"]),
    ("pilot.py -e 1234.0", ["pilot start --slots 1 --batch-id 1234.0"]),
    ("pilot.py -k -u U1,U2", ["pilot stop U1 U2"]),
    ("pilot.py -k -s lxbatch -A active", ["pilot stop --site lxbatch --state active"]),
    ("pilot.py -k -H wn7 -e 12.0", ["pilot stop --host wn7 --batch 12.0"]),
    ("pilot.py -d -A stopped", ["pilot delete --state stopped"]),
    ("pilot.py -d -H wn7 -A stopped", ["pilot delete --host wn7 --state stopped"]),
    ("TO.py -t 600", []),
    ("purge.py -w pilot -s stopped", ["purge pilots --older 0s --state stopped"]),
    ("purge.py -w job -s pilotTO", ["purge jobs --older 0s --state lost"]),
    ("dataset.py -g -J t.json -f a.root -i /data -A",
     ["dataset register /data/a.root --state available --quiet",
      "job submit t.json -f /data/a.root -e P3S_INPUT_DIR=/data -e P3S_INPUT_AS=name"]),
    ("dataset.py -r -j samplefile.json", ["dataset register samplefile.json"]),
    ('dataset.py -r -j {"name":"a","state":"defined","datatype":"TXT","dirpath":"/tmp"}',
     ["dataset register /tmp/a --datatype TXT --state registered"]),
    ("dataset.py -R -j txtDataType.json", ["datatype add txtDataType.json"]),
    ('dataset.py -R -j {"name":"TXT","ext":".txt"}', ["datatype add TXT --ext .txt"]),
    ("dataset.py -D TXT", ["datatype delete TXT"]),
    ('dataset.py -a U -j {"comment":"half","state":"dropped"}', ["dataset adjust U --comment half --state dropped"]),
    ('dataset.py -a U -j {"name":"b","dirpath":"/new/"}', ["dataset adjust U --url /new/b"]),
    ("dataset.py -d -u U1,U2", ["dataset delete U1 U2"]),
    ("dataset.py -G -f a.root", ["dataset show a.root"]),
    ("dataset.py -g -J t.json -f a.root -N -T evdisp", ["job submit t.json -f a.root --jobtype evdisp"]),
    ("testwrapper.py -j t.json", ["job test t.json"]),
    ("testwrapper.py t.json -p x -f in -F out",
     ["job test t.json -e P3S_INPUT_FILE=in -e P3S_OUTPUT_FILE=out --payload x"]),
]  # fmt: skip


@pytest.mark.parametrize(("line", "commands"), LINES)
def test_old_command_lines_are_new_ones(line: str, commands: list[str]) -> None:
    assert [" ".join(words) for words in now(line).commands] == commands


@pytest.mark.parametrize("command", [command for _, commands in LINES for command in commands])
def test_new_command_lines_are_known(command: str) -> None:
    words = command.split()
    found: Any = typer.main.get_command(app)
    while hasattr(found, "commands"):
        found = found.commands[words.pop(0)]
    known = {option for parameter in found.params for option in parameter.opts}
    assert {word for word in words if word.startswith("-") and word != "-1"} <= known


def test_the_same_file_makes_no_second_job_of_the_same_kind() -> None:
    line = "dataset.py -g -J t.json -f a.root -i /data"
    first, again, other = (now(text).commands[-1] for text in (line, line, f"{line} -T evdisp"))
    assert first == again
    assert first[-2] == other[-2] == "--key"
    assert first[-1] != other[-1]
    assert len(first[-1]) < 200


def test_what_the_server_does_by_itself_is_said() -> None:
    assert "nothing to do: the server gives up silent pilots by itself" in now("TO.py -t 30").notes[0]


def test_the_server_may_be_named_as_then() -> None:
    assert now("job.py -j x.json -S p3s-web:80").env == {"P3S_SERVER": "p3s-web:80"}


def test_a_pilot_may_run_payloads_by_the_shell() -> None:
    assert now("pilot.py -x").env == {"P3S_EXECMODE": "SHELL"}


def test_what_is_no_more_to_be_set_is_said() -> None:
    notes = now("pilot.py -l /tmp/p -L /tmp/j -b 10").notes
    assert ["logs of jobs are kept by the server" in notes[0], "no beat" in notes[1]] == [True, True]


def test_a_wrapper_is_tried_with_the_input_of_the_environment() -> None:
    [command] = now("testwrapper.py t.json", {"P3S_INPUT_FILE": "x.root"}).commands
    assert command == ["job", "test", "t.json", "-e", "P3S_INPUT_FILE=x.root"]


def test_test_does_nothing_and_verbose_says_what_it_is_now() -> None:
    assert now("job.py -t -j x.json").test
    assert now("job.py -v 1 -j x.json").notes == ["now: p3s job submit x.json"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("job.py", "-j FILE submits"),
        ("job.py -d -u U", "p3s purge jobs"),
        ("pilot.py -k", "say which pilots"),
        ("pilot.py -k -A dreaming", "use one of active"),
        ("purge.py -w all", "-w job or -w pilot"),
        ("purge.py -w job -s timelimit", "a reason now"),
        ("pilot.py -d -A active", "use one of stopped"),
        ("job.py -a -P 3", "-a needs jobs: -u UUID"),
        ("job.py -a -u U", "-s STATE or -P PRIORITY"),
        ("job.py -a -u U -s running", "follows from what becomes of it"),
        ("job.py -l -L 3", "-L needs a job type"),
        ("dataset.py", "-r -j FILE registers"),
        ("dataset.py -r", "-j FILE.json, or the JSON itself"),
        ("dataset.py -r -j {}", "name is missing"),
        ("dataset.py -r -j {nonsense", "is no JSON"),
        (f"dataset.py -r -j {'[' * 100_000}", "is no JSON"),
        ("dataset.py -R -j [1]", "an object or a list of them"),
        ("dataset.py -a U", "-a needs what is to be other"),
        ("dataset.py -a U -j /nowhere/x.json", "cannot read /nowhere/x.json"),
        ("dataset.py -a U -j {}", "nothing that can be changed"),
        ("dataset.py -d", "-d needs datasets"),
        ("dataset.py -G", "-G needs a name"),
        ("dataset.py -g -J t.json", "-g needs a description and a file"),
        ("testwrapper.py", "name a description"),
        ("workflow.py", "say what to do: -g FILE stores a graph"),
        ("workflow.py -G", "-G needs a name"),
        ("workflow.py -a filter -s running", "a new workflow is template"),
        ("workflow.py -m -s defined", "-m needs workflows: -u UUID"),
        ("workflow.py -m -u U -s running", "a workflow's state follows from its jobs; use defined"),
        ("workflow.py -d -w workflow -u U", "p3s workflow cancel UUID ends it"),
        ("workflow.py -d -w job -n x", "say -w dag or -w workflow"),
        ("workflow.py -d -w dag", "-d needs graphs: -n NAME"),
        ("siteinfo.py -j x.json", "p3s pilot start --site NAME"),
        ("injector.py", "p3s watcher start"),
        ("nothing.py", "known are job.py"),
    ],
)
def test_what_has_no_counterpart_says_what_to_use(line: str, says: str) -> None:
    with pytest.raises(NoCounterpart, match=says):
        now(line)


@pytest.mark.parametrize("client", ["job.py", "pilot.py", "dataset.py", "testwrapper.py"])
def test_a_wrong_option_ends_with_2(client: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        translate(client, ["--nonsense"], {})
    assert ended.value.code == 2
    assert "--nonsense" in capsys.readouterr().err


PAGE = Path(__file__).parents[3] / "docs/from-2018.md"
IN_WORDS = (
    "pilot.py -s",
    "pilot.py -x",
    "job.py -d",
    "dataset.py -a",
    "dataset.py -g",
    "workflow.py -a",
    "injector.py",
)
"""Rows of the page that say more or less than the translation: with other values, or what to do instead."""


def test_the_page_says_what_command_lines_are_now() -> None:
    rows = re.findall(r"^\| `(\w+\.py [^`]+)`.*? \| `p3s ([^`]+)`", PAGE.read_text(), re.MULTILINE)
    rows = [(old, new) for old, new in rows if old.split()[0] in CLIENTS and not old.startswith(IN_WORDS)]
    assert len(rows) >= 20
    assert {old: shlex.join(now(old).commands[0]) for old, _ in rows} == dict(rows)


def test_every_client_of_2018_is_known() -> None:
    assert set(CLIENTS) == {
        "job.py", "pilot.py", "dataset.py", "workflow.py", "injector.py", "siteinfo.py", "purge.py", "TO.py",
        "testwrapper.py",
    }  # fmt: skip
