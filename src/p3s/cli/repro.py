"""`p3s job repro`: a script by which a person runs a job by hand, where its pilot would have run it or elsewhere.

What stands in it was written by users and payloads. It is quoted so that the shell takes it for what it is, and so that
nothing of it moves a terminal.
"""

import shlex
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from p3s.client.sdk import Client
from p3s.domain.data.streams import input_environment
from p3s.protocol.errors import BadInput
from p3s.protocol.hidden import is_secret
from p3s.protocol.views import Job

from .options import Job as Uuid


def repro(
    job: Uuid,
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="Write it there, executable.")] = "",
) -> None:
    """Print a script that runs a job by hand: its environment, its input, its command. Secrets are left out.

    Examples: p3s job repro UUID | p3s job repro UUID -o again.sh
    """
    text = script(Client().job(job))
    if not output:
        print(text, end="")
        return
    try:
        with open(output, "x", encoding="utf-8") as file:
            file.write(text)
        Path(output).chmod(0o700)
    except FileExistsError:
        raise BadInput(f"{output} is there already; name another file") from None
    except OSError as error:
        raise BadInput(f"cannot write {output}: {error.strerror}") from None
    print(f"wrote {output}; look at it, then run it: {shlex.quote(str(Path(output).resolve()))}")


def script(job: Job) -> str:
    """The script, for bash, of a job as the server shows it."""
    how = job["env"].get("P3S_INPUT_AS", "path")
    given = input_environment(job["input"], job["run"], job["subrun"], job["keys"], how)
    environment = {**job["env"], **given}
    parts = [_head(job), _directories(job["uuid"]), _variables(environment), _own(job), _tools()]
    if job["input"]:
        parts.append(_input(given["P3S_INPUT_URL"], job["host"], "P3S_INPUT_PATH" in given))
    return "\n\n".join([*parts, _command(job["payload"], environment), _END]) + "\n"


def quoted(text: str) -> str:
    """Text as one word for bash, without a character that a terminal would obey."""
    if text.isprintable():
        return shlex.quote(text)
    plain = "".join(_escaped(character) for character in text)
    return f"$'{plain}'"


def _escaped(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))


def _line(text: str) -> str:
    """Fit for one line of a comment."""
    return "".join(character if character.isprintable() else "?" for character in text)[:300]


def _head(job: Job) -> str:
    where = f"on {job['host']}" if job["host"] else "nowhere yet"
    code = f" {job['exit_code']}" if job["reason"] == "exit code" else ""
    became = ", ".join(filter(None, (job["state"], job["reason"]))) + code
    lines = [
        "#!/bin/bash",
        f"# Runs job {_line(job['uuid'])} by hand: {_line(job['name']) or 'without a name'}, of {_line(job['owner'])}.",
        f"# It ran {_line(where)} (attempt {job['attempt']}) and is {_line(became)}.",
    ]
    return "\n".join(lines)


def _directories(uuid: str) -> str:
    return "\n".join(
        [
            "# As at a pilot: an empty working directory, and one for results.",
            f'top=$(mktemp -d "${{TMPDIR:-/tmp}}/p3s-repro-"{quoted(uuid[:8])}-XXXXXX) || exit 1',
            'mkdir "$top/work" "$top/results" && cd "$top/work" || exit 1',
        ]
    )


def _variables(environment: dict[str, str]) -> str:
    lines = ["# What the job says."]
    for name, value in environment.items():
        if is_secret(name):
            lines.append(f': "${{{name}:?is a secret that is not in this script; set it in your environment}}"')
        else:
            lines.append(f"export {name}={quoted(value)}")
    return "\n".join(lines) if environment else "# The job sets no variable."


def _own(job: Job) -> str:
    return "\n".join(
        [
            "# What p3s says; there is no server behind it.",
            f"export P3S_JOB_UUID={quoted(job['uuid'])} P3S_PILOT_UUID={quoted(job['pilot'] or '')}",
            'export P3S_SITE=${P3S_SITE:-local} P3S_RESULT_DIR="$top/results"',
            'export P3S_JOB_DIR="$top/work"',
            "unset P3S_SERVER P3S_TOKEN",
        ]
    )


def _tools() -> str:
    return "\n".join(
        [
            "# p3s-publish, p3s_result and p3s-inputs, as every payload finds them.",
            "if command -v p3s >/dev/null; then",
            '    p3s payload tools "$top" >/dev/null || exit 1',
            '    export PATH="$top/tools:$PATH:$top/tools/clients"',
            '    export PYTHONPATH="$top/tools${PYTHONPATH:+:$PYTHONPATH}" P3S_HOME="${P3S_HOME:-$top/tools}"',
            "else",
            '    echo "note: p3s is not on your PATH, so p3s-publish and p3s_result are not there" >&2',
            "fi",
        ]
    )


_FETCH = {
    "http": 'curl --fail --location --output "$file" -- {url}',
    "https": 'curl --fail --location --output "$file" -- {url}',
    "root": 'xrdcp --force {url} "$file"',
}


def _input(where: str, host: str, local: bool) -> str:
    """Its input is there, or it is fetched, or it is said where it was."""
    if local:
        path = where.removeprefix("file://")
        come = f"it was on {_line(host)}" if host else "no pilot has seen it either"
        return "\n".join(
            [
                "# Its input.",
                f"if [ ! -e {quoted(path)} ]; then",
                f"    echo {quoted(f'the input {_line(path)} is not on this machine; {come}')} >&2",
                "    exit 1",
                "fi",
            ]
        )
    scheme, name = where.split("://", 1)[0].lower(), Path(urlsplit(where).path).name or "input"
    fetch = _FETCH.get(scheme)
    if fetch is None:
        return f"# Its input, {_line(where)}, is for the payload to fetch."
    lines = [f"# Its input. The payload gets the address; a copy is at P3S_INPUT_PATH.\nfile=$top/{quoted(name)}"]
    return "\n".join([*lines, f"{fetch.format(url=quoted(where))} || exit 1", 'export P3S_INPUT_PATH="$file"'])


def _command(payload: str, environment: dict[str, str]) -> str:
    title = "# The job."
    if environment.get("P3S_EXECMODE") == "SHELL":
        return f"{title}\n/bin/sh -c {quoted(payload)} </dev/null"
    try:
        words = shlex.split(payload)
    except ValueError as error:
        return f"{title}\necho {quoted(f'the payload cannot be split into words: {error}')} >&2\nexit 1"
    lines = [title]
    if environment.get("P3S_MODE") == "COPY" and words:
        lines.append(f"cp -- {quoted(words[0])} . || exit 1")
        words[0] = f"./{Path(words[0]).name}"
    return "\n".join([*lines, f"{' '.join(quoted(word) for word in words)} </dev/null"])


_END = """code=$?
echo "exit code $code; its files are in $top" >&2
exit $code"""
