"""The published schema of stream files says what the reader takes: the same words, and the same examples."""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.unit.watcher.test_stream_files import ELSEWHERE, STREAM, WHOLE, WRONG

from p3s.client import descriptions, schemas
from p3s.protocol.data import OVERFLOWS, Gather, StreamJob, StreamSpec, Take
from p3s.watcher import jobs, rules, streams

ROOT = Path(__file__).parents[3]
SCHEMA: dict[str, Any] = json.loads(schemas.text("streams"))
STREAM_FIELDS = SCHEMA["$defs"]["stream"]["properties"]


def words(part: str) -> set[str]:
    return set(STREAM_FIELDS[part]["properties"])


def problems(document: Any) -> list[str]:
    return [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(document)]


def test_its_words_are_those_that_are_read() -> None:
    parts = SCHEMA["$defs"]
    assert set(SCHEMA["properties"]) == set(streams.SECTIONS)
    assert set(STREAM_FIELDS) == set(streams.OF_A_STREAM)
    assert set(parts["job"]["properties"]) == set(jobs.OF_A_JOB) == {f.name for f in fields(StreamJob)} | {"from"}
    assert set(parts["gather"]["properties"]) == set(jobs.OF_A_GATHER) == {f.name for f in fields(Gather)}
    assert set(parts["jobtype"]["properties"]) == set(descriptions.SETTINGS)
    assert words("ignore") == {f.name for f in fields(rules.Ignore)}
    assert words("take") == {f.name for f in fields(Take)}
    assert STREAM_FIELDS["waiting"]["properties"]["then"]["enum"] == list(OVERFLOWS)
    assert {f.name for f in fields(StreamSpec)} - {"name"} <= set(STREAM_FIELDS)


def documents() -> list[str]:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    blocks = [block for page in pages for block in re.findall(r"^```yaml\n(.*?)^```$", page.read_text(), re.M | re.S)]
    found = [block for block in blocks if re.search(r"^streams:", block, re.M)]
    return [WHOLE, (ROOT / "examples/streams.yaml").read_text(), *found]


def test_the_examples_of_the_documents_fit_it() -> None:
    assert len(documents()) >= 5
    for text in documents():
        assert problems(yaml.safe_load(text)) == [], text


#: What JSON Schema cannot say, or YAML's reader says before.
BEYOND = {
    *("a name twice", "a marker that is the file", "a marker elsewhere", "a tab", "a gather of nothing"),
    *("moved where it is", "moved elsewhere", "scanned too often", "parameters without a workflow"),
    "a size in words",
}


@pytest.mark.parametrize("name", sorted({*WRONG, *ELSEWHERE} - BEYOND))
def test_what_the_reader_refuses_it_refuses_too(name: str) -> None:
    text = STREAM + WRONG[name][0] if name in WRONG else f"{ELSEWHERE[name][0]}\n{STREAM}"
    assert problems(yaml.safe_load(text)) != []
