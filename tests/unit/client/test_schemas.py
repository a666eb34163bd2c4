"""The published schemas say what the readers take: neither more words nor fewer, the same bounds."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.unit.client.test_templates import EVERY_WORD, MINIMAL, WHOLE

from p3s.cli.templates import NEW
from p3s.client import descriptions, schemas, templates
from p3s.domain.workflows import dag, parameters
from p3s.protocol.errors import BadInput
from p3s.protocol.messages import BOUNDS, JobSpec, JobTypeSpec, Needs
from p3s.protocol.workflows import ON_FAILURE, TYPES

EXAMPLES = Path(__file__).parents[3] / "examples"

JOBS = """\
jobs:
  - name: femb run 4610
    jobtype: femb
    payload: /p3s/femb.sh --fast
    input: /data/raw/run4610_1.root
    env: {DUNETPCVER: v07_13_01}
    priority: 5
    needs: {cores: 2, memory: 4GB, gpus: 0, site: lxbatch, tags: [cvmfs, xrootd], runtime: apptainer}
    eta: 10m
    stale_after: 30m
    time_limit: 1h
    hold: false
jobtypes:
  femb: {priority: 5, cap: 40, pick: freshest, eta: 10m, stale_after: 30m, time_limit: 3h, retries: 0, critical: false, supersedes: [run], expects: [FEMB], input_as: path}
"""  # noqa: E501


def schema(name: str) -> dict[str, Any]:
    return dict(json.loads(schemas.text(name)))


def validator(name: str) -> Any:
    return jsonschema.Draft202012Validator(schema(name))


@pytest.mark.parametrize("name", schemas.names())
def test_a_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))
    assert schema(name)["title"].startswith("p3s ")


def test_the_words_of_a_template_are_those_that_are_read() -> None:
    found = schema("template")
    parts = found["$defs"]
    assert set(found["properties"]) == set(templates.TOP)
    assert set(found["properties"]["defaults"]["properties"]) == set(templates.DEFAULTS)
    assert set(parts["node"]["properties"]) == set(templates.NODE)
    assert set(parts["datum"]["anyOf"][1]["properties"]) == set(templates.DATUM)
    assert set(parts["parameter"]["anyOf"][2]["properties"]) == set(templates.PARAMETER)
    assert parts["parameter"]["anyOf"][2]["properties"]["type"]["enum"] == list(TYPES)
    assert parts["on_failure"]["enum"] == list(ON_FAILURE)
    assert found["properties"]["nodes"]["maxProperties"] == dag.MOST_NODES
    assert found["properties"]["parameters"]["maxProperties"] == parameters.MOST
    assert parts["at_most"]["maximum"] == dag.MOST_JOBS


def test_the_words_of_jobs_are_those_that_are_read() -> None:
    parts = schema("jobs")["$defs"]
    job, kind = parts["job"]["properties"], parts["jobtype"]["properties"]
    assert set(job) == {field.name for field in fields(JobSpec)}
    assert set(kind) == {field.name for field in fields(JobTypeSpec)} - {"name"}
    assert set(job["needs"]["properties"]) == {field.name for field in fields(Needs)}
    for name in ("payload", "name", "jobtype", "input"):
        assert job[name]["maxLength"] == BOUNDS[name]
    assert job["replicas"]["maximum"] == BOUNDS["jobs_per_submit"]
    for name in ("cap", "retries"):
        assert (kind[name]["minimum"], kind[name]["maximum"]) == BOUNDS[name]
    for where in (parts, schema("template")["$defs"]):
        assert (where["priority"]["minimum"], where["priority"]["maximum"]) == BOUNDS["priority"]


@pytest.mark.parametrize("text", [MINIMAL, WHOLE, EVERY_WORD], ids=["minimal", "whole", "every word"])
def test_good_templates_fit(text: str) -> None:
    validator("template").validate(yaml.safe_load(text))


def test_what_is_written_to_begin_with_fits() -> None:
    for text in ((EXAMPLES / "workflow.yaml").read_text(), NEW.replace("@NAME@", "x")):
        validator("template").validate(yaml.safe_load(text))
        templates.read_text(text, Path("x.yaml"))


def test_good_jobs_fit(tmp_path: Path) -> None:
    file = tmp_path / "jobs.yaml"
    file.write_text(JOBS)
    for one in (file, EXAMPLES / "jobs.yaml"):
        validator("jobs").validate(yaml.safe_load(one.read_text()))
        descriptions.read(one)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{nodes: {a: {payload: x}}}",
        "{workflow: x}",
        "{workflow: x, nodes: {}}",
        "{workflow: a b, nodes: {a: {payload: x}}}",
        "{workflow: x, nodes: {a: {payload: x}}, more: 1}",
        "{workflow: x, nodes: {inputs: {payload: x}}}",
        "{workflow: x, nodes: {a: {shell: true}}}",
        "{workflow: x, nodes: {a: {jobtype: noop, payload: x}}}",
        "{workflow: x, nodes: {a: {payload: x, shell: 1}}}",
        "{workflow: x, nodes: {a: {payload: x, time_limit: 20}}}",
        "{workflow: x, nodes: {a: {payload: x, priority: 1001}}}",
        "{workflow: x, nodes: {a: {payload: x, on_failure: ignore}}}",
        "{workflow: x, nodes: {a: {payload: x, at_most: 0}}}",
        "{workflow: x, nodes: {a: {payload: x, for_each: []}}}",
        "{workflow: x, nodes: {a: {payload: x, for_each: 3}}}",
        "{workflow: x, nodes: {a: {payload: x, in: {A: 3}}}}",
        "{workflow: x, nodes: {a: {payload: x, out: [A]}}}",
        "{workflow: x, nodes: {a: {payload: x, out: {A B: T}}}}",
        "{workflow: x, nodes: {a: {payload: x, out: {A: {typ: T}}}}}",
        "{workflow: x, nodes: {a: {payload: x, out: {A: {path: p, name: n}}}}}",
        "{workflow: x, nodes: {a: {payload: x, out: {A: {keep: 5}}}}}",
        "{workflow: x, nodes: {a: {payload: x, needs: {cores: 0}}}}",
        "{workflow: x, nodes: {a: {payload: x, env: {A: [1]}}}}",
        "{workflow: x, nodes: {a: {payload: x}}, parameters: {run: 1}}",
        "{workflow: x, nodes: {a: {payload: x}}, parameters: {n: {type: number}}}",
        "{workflow: x, nodes: {a: {payload: x}}, defaults: {payload: x}}",
    ],
)
def test_what_the_reader_refuses_does_not_fit(text: str) -> None:
    assert not validator("template").is_valid(yaml.safe_load(text))
    with pytest.raises(BadInput):
        templates.read_text(text, Path("x.yaml"))
