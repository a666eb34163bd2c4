"""What the command lines of 2018's clients are now. Pure: options go in, commands of `p3s` come out."""

import argparse
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from . import old_datasets
from .old_options import NoCounterpart, Words, needed


@dataclass(frozen=True)
class Translation:
    """Commands of `p3s` to be run one after the other, variables to be set for them, and what a person should know."""

    commands: list[Words]
    env: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    #: Only say what would be run.
    test: bool = False


def translate(client: str, words: Words, environment: Mapping[str, str]) -> Translation:
    """What `client` (like job.py) with these options is now. Raises NoCounterpart; SystemExit as argparse does."""
    if client not in CLIENTS:
        raise NoCounterpart(f"no client of 2018 of this name is known; known are {', '.join(CLIENTS)}")
    return CLIENTS[client](words, environment)


# ---- reading options


def _parser(client: str, test: str = "-t") -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=client, description="Stand-in for a client of 2018.", allow_abbrev=False, add_help=False
    )
    parser.add_argument("-h", "--help", "-U", "--usage", action="help", help="show this message and exit")
    parser.add_argument("-S", "--server", default="", help="default: P3S_SERVER")
    parser.add_argument("-v", "--verbosity", type=int, default=0, help="1 says what it is now")
    parser.add_argument(test, "--test", action="store_true", help="say what it is now, and do nothing")
    return parser


def _made(asked: argparse.Namespace, commands: list[Words], notes: list[str] | None = None, **env: str) -> Translation:
    said = [f"now: {shown}" for shown in map(_shown, commands)] if asked.verbosity else []
    if asked.server:
        env["P3S_SERVER"] = asked.server
    return Translation(commands, env, said + (notes or []), asked.test)


def _shown(words: Words) -> str:
    return shlex.join(["p3s", *words])


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _several(option: str, values: list[str]) -> Words:
    return [word for value in values for word in (option, value)]


# ---- jobs


def _job(words: Words, _: Mapping[str, str]) -> Translation:
    parser = _parser("job.py")
    parser.add_argument("-j", "--json_in", metavar="FILE", default="", help="submit a list of job descriptions")
    parser.add_argument("-N", "--number", type=int, default=1, help="so many of each")
    parser.add_argument("-D", "--delay", type=int, default=1000, metavar="MS", help="so long from one to the next")
    parser.add_argument("-f", "--file", default="", metavar="NAME[,...]", help="inputs; one job each")
    parser.add_argument("-V", "--version", default="", help="DUNETPCVER")
    parser.add_argument("-a", "--adjust", action="store_true", help="change a job")
    parser.add_argument("-d", "--delete", action="store_true", help="remove the record of a job")
    parser.add_argument("-k", "--kill", action="store_true", help="end a job")
    parser.add_argument("-l", "--limits", action="store_true", help="list or set the limits of job types")
    parser.add_argument("-u", "--uuid", default="", help="jobs, by commas")
    parser.add_argument("-s", "--state", default="", help="with -a")
    parser.add_argument("-P", "--priority", type=int, help="with -a")
    parser.add_argument("-p", "--pk", default="", help="with -d")
    parser.add_argument("-T", "--jobtype", default="", help="with -l")
    parser.add_argument("-L", "--limit", type=int, default=-1, help="with -l; 0 stops a type, -1 reads")
    asked = parser.parse_args(words)
    jobs = _list(asked.uuid)
    if asked.limits:
        return _made(asked, [_limits(asked.jobtype, asked.limit)])
    if asked.kill:
        return _made(asked, [["job", "cancel", *needed(jobs, "-k needs jobs: -u UUID")]])
    if asked.delete:
        raise NoCounterpart("-d: p3s purge jobs --older 7d removes records by age; p3s job cancel UUID ends a job")
    if asked.adjust:
        return _made(asked, _adjusted(needed(jobs, "-a needs jobs: -u UUID"), asked.state, asked.priority))
    if not asked.json_in:
        raise NoCounterpart("say what to do: -j FILE submits, -a -u UUID adjusts, -l lists limits (-U shows all)")
    inputs, version = _list(asked.file), [f"DUNETPCVER={asked.version}"] if asked.version else []
    command = ["job", "submit", asked.json_in, *_several("-f", inputs), *_several("-e", version)]
    if asked.number != 1:
        command += ["-N", str(asked.number), *(["--delay", f"{asked.delay}ms"] if asked.delay else [])]
    return _made(asked, [command])


def _limits(jobtype: str, limit: int) -> Words:
    if limit < 0:
        return ["jobtype", "list"]
    if not jobtype:
        raise NoCounterpart("-L needs a job type: -l -T TYPE -L LIMIT")
    return ["jobtype", "set", jobtype, "--cap", str(limit)]


_TO_STATE = {"defined": "release", "template": "hold", "held": "hold", "cancelled": "cancel", "finished": "cancel"}


def _adjusted(jobs: list[str], state: str, priority: int | None) -> list[Words]:
    if state and state not in _TO_STATE:
        raise NoCounterpart(f"-s {state}: a job's state follows from what becomes of it; use hold, release or cancel")
    commands = [["job", "adjust", *jobs, "--priority", str(priority)]] if priority is not None else []
    commands += [["job", _TO_STATE[state], *jobs]] if state else []
    if not commands:
        raise NoCounterpart("-a needs what to change: -s STATE or -P PRIORITY")
    return commands


def _dataset(words: Words, _: Mapping[str, str]) -> Translation:
    parser = _parser("dataset.py")
    old_datasets.add_options(parser)
    asked = parser.parse_args(words)
    return _made(asked, old_datasets.commands(asked))


def _testwrapper(words: Words, environment: Mapping[str, str]) -> Translation:
    parser = _parser("testwrapper.py")
    parser.add_argument("description", nargs="?", default="", help="job description")
    parser.add_argument("-j", "--json_in", default="", metavar="FILE", help="job description")
    parser.add_argument("-p", "--payload", default="", help="instead of the description's")
    parser.add_argument("-f", "--input", default=environment.get("P3S_INPUT_FILE", ""), help="P3S_INPUT_FILE")
    parser.add_argument("-F", "--output", default="", help="P3S_OUTPUT_FILE")
    asked = parser.parse_args(words)
    description = asked.json_in or asked.description
    if not description:
        raise NoCounterpart("name a description: testwrapper.py -j FILE")
    variables = {"P3S_INPUT_FILE": asked.input, "P3S_OUTPUT_FILE": asked.output}
    command = ["job", "test", description, *_several("-e", [f"{key}={one}" for key, one in variables.items() if one])]
    return _made(asked, [[*command, *(["--payload", asked.payload] if asked.payload else [])]])


# ---- workflows


def _workflow(words: Words, _: Mapping[str, str]) -> Translation:
    parser = _parser("workflow.py")
    parser.add_argument("-g", "--graphml", default="", metavar="FILE", help="store a graph")
    parser.add_argument("-G", "--get", nargs="?", const="", metavar="NAME", help="print a stored graph")
    parser.add_argument("-a", "--add", default="", metavar="DAG", help="make a workflow of a stored graph")
    parser.add_argument("-m", "--modify", action="store_true", help="with -u and -s: change a workflow's state")
    parser.add_argument("-d", "--delete", action="store_true", help="with -w: delete a stored graph")
    parser.add_argument("-w", "--what", default="", metavar="dag|workflow", help="with -d")
    parser.add_argument("-n", "--name", default="", help="of the graph or workflow")
    parser.add_argument("-D", "--description", default="", help="with -g")
    parser.add_argument("-s", "--state", default="", help="with -a and -m; without defined, -a makes it held")
    parser.add_argument("-f", "--fileinfo", default="", help="sticky, inherit:NAME, JSON or its file")
    parser.add_argument("-j", "--jobinfo", default="", help="JSON or its file")
    parser.add_argument("-u", "--uuid", default="", help="of workflows, by commas")
    asked = parser.parse_args(words)
    if asked.graphml:
        command = ["workflow", "template", "put", asked.graphml]
        return _made(asked, [command + _given(asked, "name", "description")])
    if asked.get is not None:
        (name,) = needed([one for one in (asked.get or asked.name,) if one], "-G needs a name: -G NAME")
        return _made(asked, [["workflow", "template", "export", name, "--graphml"]])
    if asked.add:
        return _made(asked, [_started(asked)])
    if asked.delete:
        return _made(asked, _deleted(asked))
    if not asked.modify:
        raise NoCounterpart("say what to do: -g FILE stores a graph, -a DAG makes a workflow of it (-U shows all)")
    workflows = needed(_list(asked.uuid), "-m needs workflows: -u UUID")
    if asked.state not in _TO_WORKFLOW:
        raise NoCounterpart(
            f"-s {asked.state}: a workflow's state follows from its jobs; use {', '.join(_TO_WORKFLOW)}"
        )
    return _made(asked, [["workflow", _TO_WORKFLOW[asked.state], *workflows]])


_TO_WORKFLOW = {"defined": "release", "cancelled": "cancel", "finished": "cancel"}


def _started(asked: argparse.Namespace) -> Words:
    if asked.state not in ("", "template", "defined"):
        raise NoCounterpart(f"-s {asked.state}: a new workflow is template (held, the default) or defined")
    hold = [] if asked.state == "defined" else ["--hold"]
    return ["workflow", "start", asked.add, *_given(asked, "name", "fileinfo", "jobinfo"), *hold]


def _given(asked: argparse.Namespace, *names: str) -> Words:
    return [word for name in names if getattr(asked, name) for word in (f"--{name}", getattr(asked, name))]


def _deleted(asked: argparse.Namespace) -> list[Words]:
    if asked.what == "workflow":
        raise NoCounterpart(
            "-d -w workflow: p3s workflow cancel UUID ends it; its record stays until it is purged by age"
        )
    if asked.what not in ("", "dag"):
        raise NoCounterpart(f"-w {asked.what}: say -w dag or -w workflow")
    names = needed(_list(asked.name), "-d needs graphs: -n NAME")
    return [["workflow", "template", "delete", name] for name in names]


# ---- pilots


def _pilot(words: Words, _: Mapping[str, str]) -> Translation:
    parser = _parser("pilot.py")
    parser.add_argument("-s", "--site", default="", help="name of the place where it runs")
    parser.add_argument("-c", "--cycles", type=int, default=0, help="with -p: how long it will be here; 0: no end")
    parser.add_argument("-p", "--period", type=int, default=5, metavar="SECONDS", help="of a cycle")
    parser.add_argument("-b", "--beat", type=int, help="nothing to set any more")
    parser.add_argument("-l", "--logdir", default="", help="nothing to set any more")
    parser.add_argument("-L", "--joblogdir", default="", help="nothing to set any more")
    parser.add_argument("-x", "--shell", action="store_true", help="run payloads by the shell")
    parser.add_argument("-e", "--extra", default="", help="the batch system's id")
    parser.add_argument("-k", "--kill", action="store_true", help="end pilots")
    parser.add_argument("-d", "--delete", action="store_true", help="remove the records of pilots")
    for option, name in (("-u", "uuid"), ("-H", "host"), ("-A", "state")):
        parser.add_argument(option, f"--{name}", default="", help="with -k or -d")
    asked = parser.parse_args(words)
    if asked.kill or asked.delete:
        return _made(asked, [_ended_pilots(asked)])
    command = ["pilot", "start", "--slots", "1", *(["--site", asked.site] if asked.site else [])]
    command += ["--life", f"{asked.cycles * asked.period}s"] if asked.cycles else []
    command += ["--batch-id", asked.extra] if asked.extra else []
    notes = []
    if asked.logdir or asked.joblogdir:
        notes.append("logs of jobs are kept by the server (p3s job logs UUID); the pilot's own goes to stderr")
    if asked.beat is not None:
        notes.append("there is no beat to set: the server says how often it wants to hear of a pilot")
    return _made(asked, [command], notes, **({"P3S_EXECMODE": "SHELL"} if asked.shell else {}))


_PILOT_STATES = {"active": "active", "no jobs": "idle", "finished": "idle", "timeout": "silent", "pilotTO": "silent"}
_ENDED_STATES = {"stopped": "stopped", "finished": "stopped", "lost": "lost", "timeout": "lost", "pilotTO": "lost"}


def _ended_pilots(asked: argparse.Namespace) -> Words:
    """Pilots ended, or their records removed, by what they are."""
    chosen = [*_list(asked.uuid), *(["--site", asked.site] if asked.site else [])]
    chosen += ["--host", asked.host] if asked.host else []
    chosen += ["--batch", asked.extra] if asked.extra else []
    known = _PILOT_STATES if asked.kill else _ENDED_STATES
    if asked.state and asked.state not in known:
        raise NoCounterpart(f"-A {asked.state}: use one of {', '.join(known)}")
    if asked.state:
        chosen += ["--state", known[asked.state]]
    return ["pilot", "stop" if asked.kill else "delete", *needed(chosen, "say which pilots: -u, -s, -H, -A or -e")]


_REASONS = ("timelimit", "nonstarter", "exception")


def _purge(words: Words, _: Mapping[str, str]) -> Translation:
    parser = _parser("purge.py")
    parser.add_argument("-w", "--what", default="", metavar="job|pilot", help="records of these")
    parser.add_argument("-s", "--state", default="", help="that ended so")
    parser.add_argument("-o", "--older", default="0s", help="longer ago than this, like 7d")
    asked = parser.parse_args(words)
    if asked.what not in ("job", "pilot"):
        raise NoCounterpart("say what: -w job or -w pilot; of those that have ended, records are removed")
    if asked.what == "job" and asked.state in _REASONS:
        raise NoCounterpart(f"-s {asked.state} is a reason now, of jobs that are failed: -s failed removes all these")
    state = {"pilotTO": "lost", **({} if asked.what == "job" else _ENDED_STATES)}.get(asked.state, asked.state)
    chosen = ["--state", state] if asked.state else []
    return _made(asked, [["purge", f"{asked.what}s", "--older", asked.older, *chosen]])


def _timeout(words: Words, _: Mapping[str, str]) -> Translation:
    parser = _parser("TO.py", test="-T")
    parser.add_argument("-t", "--timeout", type=int, help="p3s server start --lease says it now")
    asked = parser.parse_args(words)
    why = "the server gives up silent pilots by itself, when their lease is over (p3s server start --lease)"
    return _made(asked, [], [f"nothing to do: {why}"])


# ---- what has no counterpart


def _gone(text: str) -> Callable[[Words, Mapping[str, str]], Translation]:
    def answer(_: Words, __: Mapping[str, str]) -> Translation:
        raise NoCounterpart(text)

    return answer


CLIENTS: dict[str, Callable[[Words, Mapping[str, str]], Translation]] = {
    "job.py": _job,
    "pilot.py": _pilot,
    "dataset.py": _dataset,
    "testwrapper.py": _testwrapper,
    "workflow.py": _workflow,
    "injector.py": _gone("files are watched with p3s watcher start streams.yaml, one job or several for each"),
    "siteinfo.py": _gone("sites are not there yet; a pilot names its own: p3s pilot start --site NAME"),
    "purge.py": _purge,
    "TO.py": _timeout,
}
"""Those that people and cron call. What payloads call runs on nodes without `p3s`: pilot/payload/p3s_classic.py."""
