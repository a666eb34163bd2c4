"""2018's FILEINFO and JOBINFO, as text and as files."""

from pathlib import Path

import pytest

from p3s.client.classic_workflows import file_info, job_info
from p3s.protocol.errors import BadInput
from p3s.protocol.workflows import DatumChange, NodeChange

FILES = (
    '{"NOOP1:filter": {"name": "in{1}.txt", "dirpath": "/data/"}, "filter:NOOP2": {"comment": "Output of *filter*"}}'
)
JOBS = '{"NOOP1": {"payload": "/bin/date"}, "filter": {"env": {"A": "{x}", "N": 3}}}'


@pytest.mark.parametrize("policy", ["", "sticky", "inherit:run7.root"])
def test_a_policy_of_names_is_one_word(policy: str) -> None:
    assert file_info(policy) == (policy, {})


def test_files_are_changed_by_edge(tmp_path: Path) -> None:
    (tmp_path / "info.json").write_text(FILES)
    expected = {
        "NOOP1:filter": DatumChange(name="in{{1}}.txt", dirpath="/data/"),
        "filter:NOOP2": DatumChange(comment="Output of *filter*"),
    }
    assert file_info(FILES) == file_info(str(tmp_path / "info.json")) == ("", expected)


def test_jobs_are_changed_by_node(tmp_path: Path) -> None:
    (tmp_path / "info.json").write_text(JOBS)
    expected = {"NOOP1": NodeChange("/bin/date"), "filter": NodeChange(env={"A": "{{x}}", "N": "3"})}
    assert job_info(JOBS) == job_info(str(tmp_path / "info.json")) == expected
    assert job_info("") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothere.json", "cannot read nothere.json: No such file"),
        ("x\0y", "cannot read"),
        ("{", "file info: is not JSON"),
        ('{"a:b": 3}', 'file info: must be like {"source:target"'),
        ('{"a:b": {"nam": "x"}}', "file info: a:b.nam is not a known field; known are name, dirpath, comment"),
        ('{"a:b": {"name": 3}}', "file info: a:b.name: must be text, not 3"),
    ],
)
def test_what_cannot_be_is_told(text: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        file_info(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": {"payload": 3}}', "job info: a.payload: must be text, not 3"),
        ('{"a": {"env": [1]}}', "job info: a.env: must be an object"),
        ('{"a": {"priority": 3}}', "job info: a.priority is not a known field"),
    ],
)
def test_jobs_that_cannot_be_are_told(text: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        job_info(text)
    assert said in str(caught.value)
