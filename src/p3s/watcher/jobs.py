"""What a stream file says of jobs: of each file, over the results of many, or a workflow in place of them."""

from pathlib import Path
from typing import Any

from p3s.client import descriptions
from p3s.client.descriptions import resolved
from p3s.client.document import Field
from p3s.protocol.data import OVERFLOWS, Gather, StreamJob, Take, Waiting
from p3s.protocol.errors import BadInput
from p3s.protocol.messages import ANYWHERE, JobSpec, Needs

OF_A_JOB = ("payload", "from", "env", "priority", "time_limit", "one_in", "needs")
OF_A_GATHER = ("payload", "of", "by", "every", "or_after", "at_run_end", "env", "priority", "time_limit", "needs")

LIKE_JOBS = "job types, each with a payload, like {monitor: {payload: ./monitor.sh}}"


def job(field: Field) -> StreamJob:
    """One job type of a stream."""
    _check_of_type(field)
    rule = field.known(OF_A_JOB, "a payload and more, like {payload: ./monitor.sh, priority: 5}")
    if "from" in rule:
        return _from_2018(rule, field)
    return StreamJob(
        payload(rule, field),
        rule["env"].environment() if "env" in rule else {},
        priority(rule),
        time_limit(rule),
        rule["one_in"].whole(1) if "one_in" in rule else None,
        needs(rule),
    )


def _check_of_type(field: Field) -> None:
    """What is of the job type, whoever makes its jobs, stands elsewhere."""
    for name, one in field.value.items() if isinstance(field.value, dict) else ():
        if name in descriptions.SETTINGS and name not in OF_A_JOB:
            jobtype = field.name.rpartition(".")[2]
            raise one.wrong(
                f"is a setting of the job type; write jobtypes: {{{jobtype}: {{{name}: ...}}}}, beside streams"
            )


def _from_2018(rule: dict[str, Field], field: Field) -> StreamJob:
    """A job description of 2018 as it is; what stands beside `from` wins.

    Its `P3S_INPUT_FILE` was a sample and each file replaces it. A wrapper that has `P3S_INPUT_DIR` joins the two, so it
    gets the bare name.
    """
    if "payload" in rule:
        raise field.wrong("has both a payload and from; from names a description that has one")
    path = field.file.parent / rule["from"].text("must name a job description, like purity_data.json")
    try:
        jobs = descriptions.read(path).jobs
    except BadInput as error:
        raise rule["from"].wrong(str(error)) from None
    if len(jobs) != 1:
        raise rule["from"].wrong(f"{path} describes {len(jobs)} jobs; a job type of a stream is one: split it")
    spec: JobSpec = jobs[0]
    env = {name: value for name, value in spec.env.items() if name != "P3S_INPUT_FILE"}
    if "P3S_INPUT_DIR" in env:
        env.setdefault("P3S_INPUT_AS", "name")
    return StreamJob(
        resolved(spec.payload, path.parent),
        env | (rule["env"].environment() if "env" in rule else {}),
        priority(rule) if "priority" in rule else spec.priority,
        time_limit(rule) if "time_limit" in rule else spec.time_limit,
        rule["one_in"].whole(1) if "one_in" in rule else None,
        needs(rule) if "needs" in rule else spec.needs,
    )


def gather(field: Field) -> Gather:
    """A job over what those of a job type have published."""
    rule = field.known(OF_A_GATHER, "like {payload: ./merge.py, of: monitor, by: run, every: 20}")
    if "of" not in rule:
        raise field.wrong("must say of which job type it gathers the results, like of: monitor")
    return Gather(
        payload(rule, field),
        rule["of"].text(),
        rule["by"].text("must be run or a key, like by: run") if "by" in rule else "run",
        rule["every"].whole(1) if "every" in rule else 0,
        rule["or_after"].seconds() if "or_after" in rule else 0.0,
        rule["at_run_end"].yes() if "at_run_end" in rule else False,
        rule["env"].environment() if "env" in rule else {},
        priority(rule),
        time_limit(rule),
        needs(rule),
    )


def payload(rule: dict[str, Field], field: Field) -> str:
    """The payload; one that begins with ./ is the one beside the stream file."""
    if "payload" not in rule:
        raise BadInput(f"{field.where}.payload: is required, as text")
    return resolved(rule["payload"].text("is required, as text"), _directory(field))


def _directory(field: Field) -> Path:
    return field.file.parent


def priority(rule: dict[str, Field]) -> int | None:
    return rule["priority"].whole(-(10**9)) if "priority" in rule else None


def time_limit(rule: dict[str, Field]) -> float | None:
    return rule["time_limit"].seconds() if "time_limit" in rule else None


def needs(rule: dict[str, Field]) -> Needs:
    return descriptions.needs_of(rule["needs"].plain, rule["needs"].where) if "needs" in rule else ANYWHERE


def take(field: Field | None) -> Take:
    """Which files are taken."""
    if field is None:
        return Take()
    rule = field.known(("one_in", "first_of_run"), "like {one_in: 10, first_of_run: 1}")
    return Take(
        rule["one_in"].whole(1) if "one_in" in rule else 1,
        rule["first_of_run"].whole(0) if "first_of_run" in rule else 1,
    )


def waiting(field: Field | None) -> Waiting | None:
    """How many jobs may wait."""
    if field is None:
        return None
    rule = field.known(("at_most", "then"), "like {at_most: 20, then: drop_oldest}")
    if "at_most" not in rule:
        raise field.wrong("must say at_most, like {at_most: 20, then: drop_oldest}")
    return Waiting(rule["at_most"].whole(1), rule["then"].word(OVERFLOWS) if "then" in rule else OVERFLOWS[0])


def parameters(field: Field | None) -> dict[str, Any]:
    """Of the workflow."""
    return {} if field is None else {name: one.plain for name, one in field.names("names and values").items()}
