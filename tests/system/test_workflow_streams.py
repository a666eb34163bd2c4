"""Streams that start a workflow of each file, as people run them: a server, a watcher, a pilot."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from p3s.protocol.streams import ProcessRequest

from .conftest import P3S, Place

pytestmark = pytest.mark.system

TEMPLATE = """workflow: {name}
defaults: {{jobtype: {name}, env: {{RELEASE: v0}}}}
nodes:
  decode: {{payload: ./decode.sh, for_each: inputs, out: {{RAW: {{name: raw.dat}}}}}}
  check: {{payload: ./check.sh, in: decode.RAW}}
"""
DECODE = '#!/bin/sh\ncp "$P3S_INPUT_PATH" "$RAW"\n'
CHECK = '#!/bin/sh\necho "release $RELEASE"\ngrep -q good "$RAW" || test -e {directory}/mended\n'


class Story:
    """A stream, its template, its files and a watcher."""

    def __init__(self, place: Place, directory: Path, name: str) -> None:
        self.place, self.directory, self.name = place, directory, name
        self.data, self.used = directory / "data", directory / "used"
        self.data.mkdir()
        for script, text in (("decode.sh", DECODE), ("check.sh", CHECK)):
            (directory / script).write_text(text.replace("{directory}", str(directory)))
            (directory / script).chmod(0o755)
        (directory / "template.yaml").write_text(TEMPLATE.format(name=name))
        done = place.p3s("workflow", "template", "put", str(directory / "template.yaml"))
        assert done.returncode == 0, done.stderr
        self.watcher: Any = None

    def watch(self, rule: str = "") -> None:
        file = self.directory / "streams.yaml"
        files = 'files: "data/x{run:d}.dat", complete: {renamed: true}, scan: {every: 500ms}'
        file.write_text(f"streams: {{{self.name}: {{{files}, workflow: {self.name}{rule}}}}}\n")
        self.stop()
        before = self.log.count(f"stream {self.name} version") if self.watcher else 0
        self.watcher = self.place.spawn(self.name, P3S, "watcher", "start", str(file))
        self.place.until("it watches", lambda: self.log.count(f"stream {self.name} version") > before, 60)

    def stop(self) -> None:
        if self.watcher is not None:
            self.watcher.terminate()
            assert self.watcher.wait(30) == 0, self.log

    @property
    def log(self) -> str:
        return self.place.log(self.name)

    def put(self, name: str, content: str) -> Path:
        hidden = self.data / ".coming"
        hidden.write_text(content)
        return hidden.rename(self.data / name)

    def ended(self, run: int, count: int = 1) -> Any:
        """The latest workflow of a run, when so many have ended."""

        def those() -> Any:
            found = self.place.client.workflows(stream=self.name, run=run)
            return found if len([one for one in found if one["ended_at"]]) == count else None

        return self.place.until(f"{count} workflows of run {run} have ended", those, 60)[0]

    def coverage(self, run: int) -> Any:
        (row,) = self.place.client.coverage(self.name, run)
        return row


@pytest.fixture
def story(shared_place: Place, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Story]:
    one = Story(shared_place, tmp_path, "w" + str(abs(hash(request.node.nodeid)) % 10**8))
    yield one
    one.stop()


def test_a_file_is_moved_when_its_workflow_has_finished_and_stays_when_it_failed(story: Story) -> None:
    rule = ", input_after: {move_to: ../used}"
    story.watch(rule)
    story.put("x1.dat", "good")
    story.put("x2.dat", "bad")
    story.place.until("the file is moved", lambda: "x1.dat moved to" in story.log, 60)
    finished = story.ended(1)
    assert finished["state"] == "finished", "not before the last node has ended"
    assert (story.used / "x1.dat").read_text() == "good"
    dataset = story.place.client.dataset(str(story.used / "x1.dat"))
    assert (dataset["state"], dataset["uuid"]) == (
        "available",
        story.place.client.workflow(finished["uuid"])["dataset"],
    )
    left = f"x2.dat is left where it is: workflow of {story.name} failed"
    story.place.until("the other is left", lambda: left in story.log, 60)
    (story.directory / "mended").touch()
    story.place.client.rerun_workflow(story.ended(2)["uuid"])
    assert story.ended(2, 2)["state"] == "finished"
    story.watch(rule)  # so that it need not look again by itself, a minute later
    story.place.until("the file is moved", lambda: "x2.dat moved to" in story.log, 60)
    assert (story.coverage(1)["processed"], story.coverage(2)["processed"]) == (1, 1)


def test_files_are_processed_by_hand_above_prescale(story: Story) -> None:
    story.watch(", take: {one_in: 1000000000, first_of_run: 0}")
    story.put("x1.dat", "good")
    story.put("x2.dat", "bad")
    story.place.until("they are known", lambda: story.log.count("sampled out") == 2, 60)
    words = ("stream", "process", story.name, "--run", "1")
    dry = story.place.p3s(*words, "--dry-run")
    assert (dry.returncode, f"workflow {story.name}" in dry.stdout) == (0, True), dry
    assert "would be processed: 1 file, 1 workflow; left: 0" in dry.stdout
    done = story.place.p3s(*words, "--reason", "spikes")
    assert (done.returncode, "processed now: 1 file, 1 workflow; left: 0" in done.stdout) == (0, True), done
    assert story.ended(1)["state"] == "finished"
    assert "left: 1 (processed 1)" in story.place.p3s(*words).stdout
    assert "processed now: 1 file, 1 workflow" in story.place.p3s(*words, "--again").stdout
    story.ended(1, 2)
    for count in (1, 2):
        story.place.client.process(story.name, ProcessRequest(2))
        assert story.ended(2, count)["state"] == "failed", "what went wrong is done again when it is asked for"
    counts = {name: sum(story.coverage(run)[name] for run in (1, 2)) for name in ("taken", "manual", "failed")}
    assert counts == {"taken": 2, "manual": 2, "failed": 1}


def test_a_live_change_of_the_environment_reaches_the_nodes(story: Story) -> None:
    story.watch(", env: {RELEASE: v1}")

    def said(run: int) -> tuple[str, int | None]:
        flow = story.ended(run)
        jobs = story.place.client.jobs(workflow=flow["uuid"])
        assert {job["stream"] for job in jobs} == {story.name}
        (check,) = [job["uuid"] for job in jobs if job["name"].endswith("/check")]
        return story.place.client.log(check), story.place.client.job(check)["stream_version"]

    story.put("x1.dat", "good")
    assert said(1) == ("release v1\n", 1)
    changed = story.place.p3s("stream", "set", story.name, "env.RELEASE=v2", "--reason", "reads the new headers")
    assert changed.returncode == 0, changed.stderr
    story.put("x2.dat", "good")
    assert said(2) == ("release v2\n", 2)
