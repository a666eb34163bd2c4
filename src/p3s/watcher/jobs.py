"""What a stream file says of jobs: of each file, over the results of many, or a workflow in place of them."""

from functools import partial
from typing import Any

from p3s.client import descriptions
from p3s.client.descriptions import resolved
from p3s.client.document import Field
from p3s.client.mistakes import Mistakes
from p3s.protocol.data import OVERFLOWS, Gather, StreamJob, Take, Waiting
from p3s.protocol.errors import BadInput
from p3s.protocol.messages import ANYWHERE, JobSpec, Needs

OF_A_JOB = ("payload", "from", "env", "priority", "time_limit", "one_in", "needs")
OF_A_GATHER = ("payload", "of", "by", "every", "or_after", "at_run_end", "env", "priority", "time_limit", "needs")

LIKE_JOBS = "job types, each with a payload, like {monitor: {payload: ./monitor.sh}}"


def job(field: Field) -> StreamJob:
    """One job type of a stream. Raises BadInput with all that is wrong with it."""
    _check_of_type(field)
    with Mistakes() as wrong:
        rule = wrong.known(field, OF_A_JOB, "a payload and more, like {payload: ./monitor.sh, priority: 5}")
        if "from" in rule:
            return wrong.read(partial(_from_2018, rule), field, StreamJob("-"))
        wrong.required(field, "payload", OF_A_JOB, "is required, as text")
        return StreamJob(
            wrong.read(payload, rule.get("payload"), "-"),
            wrong.environment(rule.get("env")),
            wrong.read(priority, rule.get("priority"), None),
            wrong.read(Field.seconds, rule.get("time_limit"), None),
            wrong.read(at_least_one, rule.get("one_in"), None),
            wrong.read(needs, rule.get("needs"), ANYWHERE),
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
    with Mistakes() as wrong:
        return StreamJob(
            resolved(spec.payload, path.parent),
            env | wrong.environment(rule.get("env")),
            wrong.read(priority, rule.get("priority"), spec.priority),
            wrong.read(Field.seconds, rule.get("time_limit"), spec.time_limit),
            wrong.read(at_least_one, rule.get("one_in"), None),
            wrong.read(needs, rule.get("needs"), spec.needs),
        )


def gather(field: Field) -> Gather:
    """A job over what those of a job type have published. Raises BadInput with all that is wrong with it."""
    with Mistakes() as wrong:
        rule = wrong.known(field, OF_A_GATHER, "like {payload: ./merge.py, of: monitor, by: run, every: 20}")
        wrong.required(field, "payload", OF_A_GATHER, "is required, as text")
        if rule and "of" not in rule:
            said = "must say of which job type it gathers the results, like of: monitor"
            wrong.note(field.line, field.wrong(said))
        return Gather(
            wrong.read(payload, rule.get("payload"), "-"),
            wrong.read(Field.text, rule.get("of"), ""),
            wrong.read(lambda one: one.text("must be run or a key, like by: run"), rule.get("by"), "run"),
            wrong.read(at_least_one, rule.get("every"), 0),
            wrong.read(Field.seconds, rule.get("or_after"), 0.0),
            wrong.read(Field.yes, rule.get("at_run_end"), False),
            wrong.environment(rule.get("env")),
            wrong.read(priority, rule.get("priority"), None),
            wrong.read(Field.seconds, rule.get("time_limit"), None),
            wrong.read(needs, rule.get("needs"), ANYWHERE),
        )


def payload(field: Field) -> str:
    """One that begins with ./ is the one beside the stream file."""
    return resolved(field.text("is required, as text"), field.file.parent)


def at_least_one(field: Field) -> int:
    return field.whole(1)


def priority(field: Field) -> int:
    return field.whole(-(10**9))


def needs(field: Field) -> Needs:
    return descriptions.needs_of(field.plain, field.where)


def take(field: Field) -> Take:
    """Which files are taken."""
    with Mistakes() as wrong:
        rule = wrong.known(field, ("one_in", "first_of_run"), "like {one_in: 10, first_of_run: 1}")
        return Take(
            wrong.read(at_least_one, rule.get("one_in"), 1),
            wrong.read(lambda one: one.whole(0), rule.get("first_of_run"), 1),
        )


def waiting(field: Field) -> Waiting:
    """How many jobs may wait."""
    rule = field.known(("at_most", "then"), "like {at_most: 20, then: drop_oldest}")
    if "at_most" not in rule:
        raise field.wrong("must say at_most, like {at_most: 20, then: drop_oldest}")
    return Waiting(rule["at_most"].whole(1), rule["then"].word(OVERFLOWS) if "then" in rule else OVERFLOWS[0])


def parameters(field: Field) -> dict[str, Any]:
    """Of the workflow."""
    return {name: one.plain for name, one in field.names("names and values").items()}
