"""What a payload may rely on, and what becomes of it, through the command line, the pilot and the API."""

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from p3s.protocol import codec, data_routes, routes
from p3s.protocol.data import StreamJob, StreamSpec
from p3s.protocol.errors import NotAllowed
from p3s.protocol.messages import JobSpec, PublishRequest
from p3s.transport.http import Connection

pytestmark = pytest.mark.system

Place = Any


def submitted(place: Place, *words: str, **env: str) -> str:
    """`p3s job submit` of one job that the command line does not wait for."""
    done = place.p3s("job", "submit", *words, **env)
    assert done.returncode == 0, done.stderr
    [job] = done.stdout.split()
    return job


def stdout(place: Place, job: str) -> str:
    done = place.p3s("job", "logs", job)
    assert done.returncode == 0, done.stderr
    return done.stdout


def numbers_in(path: Path, count: int) -> list[int]:
    """The process ids that a payload wrote down, once all are there."""
    found = path.read_text().split() if path.exists() else []
    return [int(word) for word in found] if len(found) == count else []


def alive(processes: list[int]) -> list[int]:
    found = []
    for number in processes:
        try:
            if psutil.Process(number).status() != psutil.STATUS_ZOMBIE:
                found.append(number)
        except psutil.NoSuchProcess:
            continue
    return found


# ---- ends


def test_the_exit_code_of_the_payload_is_that_of_submit_wait(shared_place: Place) -> None:
    payload = shared_place.script("seven.sh", "#!/bin/sh\necho too few hits >&2\nexit 7\n")
    done = shared_place.p3s("job", "submit", "--wait", "--", payload)
    assert done.returncode == 7
    assert "failed: exit code 7: too few hits" in done.stderr


def test_submit_wait_ends_with_0_when_the_payload_does(shared_place: Place) -> None:
    done = shared_place.p3s("job", "submit", "--wait", "--json", "--", "/bin/true")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [job["state"] for job in told["ended"]] == ["finished"]
    assert told["ended"][0]["uuid"] == told["jobs"][0]


def test_a_signal_that_nobody_of_p3s_sent_is_named(shared_place: Place) -> None:
    payload = shared_place.script("segv.sh", "#!/bin/sh\nkill -SEGV $$\n")
    job = shared_place.ended(submitted(shared_place, "--", payload))
    assert (job["state"], job["reason"], job["signal"], job["exit_code"]) == ("failed", "signal", 11, None)


@pytest.mark.parametrize(
    ("mode", "says"),
    [(None, "is not there on this node"), (0o644, "is not executable on this node")],
    ids=["missing", "not executable"],
)
def test_a_payload_that_cannot_be_started_is_a_nonstarter_and_submit_wait_says_why(
    shared_place: Place, tmp_path: Path, mode: int | None, says: str
) -> None:
    payload = tmp_path / "payload.sh"
    if mode is not None:
        payload.write_text("#!/bin/sh\n")
        payload.chmod(mode)
    done = shared_place.p3s("job", "submit", "--wait", "--json", "--", str(payload))
    assert done.returncode == 1
    [job] = json.loads(done.stdout)["ended"]
    assert (job["state"], job["reason"]) == ("failed", "nonstarter")
    assert f"failed: nonstarter: [p3s] {payload} {says}" in done.stderr.replace("\n", " ").replace("  ", " ")


def test_what_submit_wait_says_of_a_failed_job_is_one_line_however_long(shared_place: Place) -> None:
    payload = shared_place.script("wordy.sh", f"#!/bin/sh\necho {'no calibration for this run ' * 6} >&2\nexit 1\n")
    done = shared_place.p3s("job", "submit", "--wait", "--", payload)
    [line] = [line for line in done.stderr.splitlines() if "failed: exit code 1" in line]
    assert line.count("no calibration for this run") == 6


def test_what_a_payload_leaves_in_a_session_of_its_own_ends_with_it_and_what_runs_elsewhere_goes_on(
    shared_place: Place, tmp_path: Path
) -> None:
    stays, left, go_on = tmp_path / "stays", tmp_path / "left", tmp_path / "go_on"
    daemon = (
        "#!/bin/sh\nsetsid sh -c 'echo $$ > {0}; exec sleep 300' < /dev/null > /dev/null 2>&1 &\n"
        "while [ ! -s {0} ]; do sleep 0.1; done\n"
    )
    waits = f"while [ ! -e {go_on} ]; do sleep 0.1; done\n"
    long = submitted(shared_place, "--", shared_place.script("stays.sh", daemon.format(stays) + waits))
    others = shared_place.until("the other job's own daemon runs", lambda: numbers_in(stays, 1))
    job = submitted(shared_place, "--", shared_place.script("leaves.sh", daemon.format(left)))
    assert shared_place.ended(job)["state"] == "finished"
    [number] = numbers_in(left, 1)
    shared_place.until("what it left is gone", lambda: not alive([number]), 10)
    assert alive(others) == others
    go_on.touch()
    assert shared_place.ended(long)["state"] == "finished"
    shared_place.until("that of the other job is gone too", lambda: not alive(others), 10)


def test_what_hides_in_a_session_and_an_environment_of_its_own_ends_when_nothing_else_runs(
    place: Place, tmp_path: Path
) -> None:
    place.start_server()
    place.start_pilot()
    left = tmp_path / "left"
    hides = f"setsid env -i /bin/sh -c 'echo $$ > {left}; exec sleep 300' < /dev/null > /dev/null 2>&1 &\n"
    waits = f"while [ ! -s {left} ]; do sleep 0.1; done\n"
    job = submitted(place, "--", place.script("hides.sh", f"#!/bin/sh\n{hides}{waits}"))
    assert place.ended(job)["state"] == "finished"
    place.until("it is gone", lambda: not alive(numbers_in(left, 1)), 10)


def test_a_time_limit_ends_a_payload_that_ignores_the_polite_signal_and_all_its_children(
    shared_place: Place, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    deaf = f"trap '' TERM; echo $$ >> {started}; while :; do sleep 0.2; done"
    payload = shared_place.script(
        "deaf.sh", f'#!/bin/bash\nbash -c "{deaf}" &\nsetsid bash -c "{deaf}" &\n{deaf}\n'.replace("$$", "\\$$", 2)
    )
    job = submitted(shared_place, "--time-limit", "2s", "--", payload)
    processes = shared_place.until("three processes run", lambda: numbers_in(started, 3))
    assert len(set(processes)) == 3
    ended = shared_place.ended(job, within_s=60)
    assert (ended["state"], ended["reason"]) == ("failed", "timelimit")
    assert ended["signal"] == 9
    shared_place.until("none of the three is left", lambda: not alive(processes), 10)


@pytest.mark.parametrize("way", ["time limit", "cancel"])
def test_ending_a_job_ends_its_escaped_child_too_when_the_payload_itself_obeys_at_once(
    shared_place: Place, tmp_path: Path, way: str
) -> None:
    started = tmp_path / "started"
    deaf = f"trap '' TERM; echo \\$$ >> {started}; while :; do sleep 0.2; done"
    payload = shared_place.script("escape.sh", f'#!/bin/bash\nsetsid bash -c "{deaf}" &\nsleep 300\n')
    job = submitted(shared_place, "--time-limit", "2s" if way == "time limit" else "0s", "--", payload)
    processes = shared_place.until("the child runs", lambda: numbers_in(started, 1))
    if way == "cancel":
        shared_place.client.cancel(job)
    try:
        ended = shared_place.ended(job)
        assert ended["state"] == ("failed" if way == "time limit" else "cancelled")
        shared_place.until("the escaped child is dead", lambda: not alive(processes), 12)
    finally:
        for number in alive(processes):
            os.kill(number, 9)


def test_a_running_job_is_cancelled_within_seconds_and_the_record_says_by_whom(shared_place: Place) -> None:
    job = submitted(shared_place, "--", "/bin/sleep", "300")
    shared_place.job_is(job, "running")
    done = shared_place.p3s("job", "cancel", job, "--why", "wrong release", "--json")
    assert done.returncode == 0, done.stderr
    ended = shared_place.ended(job)
    assert ended["state"] == "cancelled"
    assert ended["cancelled_by"]
    assert any("wrong release" in event["why"] for event in ended["events"]), ended["events"]
    again = shared_place.p3s("job", "cancel", job)
    assert "cancelled" in again.stdout + again.stderr
    assert "Traceback" not in again.stderr


def test_a_waiting_job_is_cancelled_at_once_and_never_starts(shared_place: Place, tmp_path: Path) -> None:
    blockers = shared_place.client.submit(["/bin/sleep 300"] * 3)
    for blocker in blockers:
        shared_place.job_is(blocker, "running")
    mark = tmp_path / "mark"
    job = submitted(shared_place, "--", "/usr/bin/touch", str(mark))
    assert shared_place.client.cancel(job).state == "cancelled"
    for blocker in blockers:
        shared_place.client.cancel(blocker)
    for blocker in blockers:
        shared_place.ended(blocker)
    later = submitted(shared_place, "--", "/bin/true")
    assert shared_place.ended(later)["state"] == "finished"
    assert not mark.exists()


# ---- logs


def test_a_megabyte_of_stdout_is_read_back_whole(shared_place: Place) -> None:
    lines = 65_536
    payload = shared_place.script("long.sh", f"#!/bin/sh\nseq -f 'line %010.0f' 1 {lines}\n")
    done = shared_place.p3s("job", "submit", "--wait", "--", payload)
    assert done.returncode == 0, done.stderr
    text = stdout(shared_place, done.stdout.strip())
    assert text == "".join(f"line {number:010d}\n" for number in range(1, lines + 1))
    assert len(text) >= 1_000_000


def test_binary_output_harms_neither_job_nor_log_nor_page(shared_place: Place) -> None:
    payload = shared_place.script(
        "binary.sh", "#!/bin/sh\nprintf 'before\\000\\377\\376\\033[31mafter'\nprintf '\\000\\377' >&2\n"
    )
    done = shared_place.p3s("job", "submit", "--wait", "--", payload)
    assert done.returncode == 0, done.stderr
    job = done.stdout.strip()
    text = stdout(shared_place, job)
    assert text.startswith("before")
    assert text.endswith("after")
    shown = shared_place.p3s("job", "show", job)
    assert shown.returncode == 0
    page = Connection(shared_place.url).call("GET", f"/jobs/{job}")
    assert b"before" in page


# ---- environment


def test_the_environment_has_the_names_of_2018_and_the_attempts_own_token(shared_place: Place) -> None:
    job = submitted(shared_place, "-e", "DUNETPCVER=v07", "--", "/usr/bin/env")
    ended = shared_place.ended(job)
    found = dict(line.split("=", 1) for line in stdout(shared_place, job).splitlines() if "=" in line)
    assert found["P3S_JOB_UUID"] == job
    assert found["P3S_PILOT_UUID"] == ended["pilot"]
    assert found["P3S_SERVER"] == shared_place.url
    assert found["P3S_SITE"] == "local"
    assert found["DUNETPCVER"] == "v07"
    assert Path(found["P3S_RESULT_DIR"]).is_absolute()
    assert found["P3S_TOKEN"] not in ("", shared_place.token)


def test_a_job_cannot_set_what_only_p3s_may_say(shared_place: Place) -> None:
    job = submitted(shared_place, "-e", "P3S_JOB_UUID=other", "-e", "P3S_TOKEN=other", "--", "/usr/bin/env")
    shared_place.ended(job)
    found = stdout(shared_place, job).splitlines()
    assert f"P3S_JOB_UUID={job}" in found
    assert "P3S_TOKEN=other" not in found


def test_e_overrides_a_description_and_f_gives_it_its_input(shared_place: Place, tmp_path: Path) -> None:
    description = tmp_path / "one.json"
    env = {"P3S_INPUT_DIR": "/data", "P3S_INPUT_FILE": "dummy", "KEPT": "yes", "N": "1"}
    description.write_text(json.dumps([{"payload": "/usr/bin/env", "env": env, "timeout": "100", "priority": "1"}]))
    job = submitted(shared_place, str(description), "-e", "N=2", "-f", "real.root")
    assert shared_place.ended(job)["state"] == "finished"
    found = stdout(shared_place, job).splitlines()
    for line in ("P3S_INPUT_FILE=real.root", "P3S_INPUT_DIR=/data", "KEPT=yes", "N=2"):
        assert line in found


def test_several_inputs_make_one_job_each(shared_place: Place, tmp_path: Path) -> None:
    inputs = [tmp_path / f"run7_{number}.txt" for number in (1, 2, 3)]
    for path in inputs:
        path.write_text(f"content of {path.name}\n")
    payload = shared_place.script("cat.sh", '#!/bin/sh\ncat "$P3S_INPUT_PATH"\n')
    flags = [word for path in inputs for word in ("-f", str(path))]
    done = shared_place.p3s("job", "submit", "--wait", *flags, "--", payload)
    assert done.returncode == 0, done.stderr
    jobs = done.stdout.split()
    assert len(jobs) == 3
    assert [stdout(shared_place, job) for job in jobs] == [f"content of {path.name}\n" for path in inputs]


def test_execmode_shell_gives_the_payload_to_a_shell_and_without_it_none_is_there(shared_place: Place) -> None:
    text = "echo one $HOME | tr a-z A-Z; exit 3"
    jobs = shared_place.client.submit([JobSpec(text, env={"P3S_EXECMODE": "SHELL"}), JobSpec(f"/bin/{text}")])
    by_shell, without = [shared_place.ended(job) for job in jobs]
    assert by_shell["exit_code"] == 3
    assert stdout(shared_place, jobs[0]).startswith("ONE /")
    assert without["exit_code"] == 0
    assert stdout(shared_place, jobs[1]) == "one $HOME | tr a-z A-Z; exit 3\n"


# ---- tokens


def token_of(place: Place, tmp_path: Path) -> tuple[str, str]:
    """A job that runs until `tmp_path/go` is there, and the token it was given."""
    payload = place.script(
        "wait.sh",
        f"#!/bin/sh\necho $P3S_TOKEN > {tmp_path}/part; mv {tmp_path}/part {tmp_path}/token\n"
        f"until [ -e {tmp_path}/go ]; do sleep 0.1; done\n",
    )
    [job] = place.client.submit([payload])
    place.until("the payload runs", (tmp_path / "token").exists)
    place.job_is(job, "running")
    return job, (tmp_path / "token").read_text().strip()


def test_the_token_of_a_job_opens_nothing_but_its_own_attempt(shared_place: Place, tmp_path: Path) -> None:
    job, token = token_of(shared_place, tmp_path)
    [other] = shared_place.client.submit(["/bin/true"])
    pilot = shared_place.ended(other)["pilot"]
    mine = Connection(shared_place.url, token)

    def body(message: object) -> bytes:
        return codec.encode(message)

    publish = body(PublishRequest([{"category": "mine", "items": []}]))
    empty = b"{}"
    refused = [
        ("POST", routes.SUBMIT.path, b'{"jobs":[{"payload":"/bin/true"}]}'),
        ("POST", routes.CANCEL.url(job=job), empty),
        ("POST", routes.CANCEL.url(job=other), empty),
        ("POST", routes.REGISTER.path, empty),
        ("POST", routes.EXCHANGE.url(pilot=pilot), b'{"lane":"reports"}'),
        ("POST", routes.DEATH.url(pilot=pilot), b'{"evidence":"none"}'),
        ("PUT", data_routes.STREAM.url(name="s"), body(StreamSpec("s", {"j": StreamJob("/bin/true")}))),
        ("POST", data_routes.REGISTER_DATASET.path, b'{"url":"/x","stream":"s"}'),
        ("POST", routes.PUBLISH.url(job=other, attempt=1), publish),
        ("POST", routes.PUBLISH.url(job=job, attempt=2), publish),
        ("PUT", routes.UPLOAD.url(job=other, attempt=1, path="x.png"), b"x"),
        ("PUT", routes.UPLOAD.url(job=job, attempt=2, path="x.png"), b"x"),
    ]
    for method, path, data in refused:
        with pytest.raises(NotAllowed):
            pytest.fail(f"{method} {path} was answered with {mine.call(method, path, data)[:200]!r}")
    assert json.loads(mine.call("PUT", routes.UPLOAD.url(job=job, attempt=1, path="x.png"), b"abc")) == {"bytes": 3}
    (tmp_path / "go").touch()
    assert shared_place.ended(job)["state"] == "finished"


def test_a_payload_finds_no_token_but_its_own_in_its_environment_or_that_of_its_parents(
    shared_place: Place,
) -> None:
    payload = shared_place.script(
        "look.sh",
        """#!/bin/bash
env
process=$$
while [ "$process" -gt 1 ]; do
    tr '\\0' '\\n' < /proc/$process/environ
    process=$(awk '/^PPid:/ {print $2}' /proc/$process/status)
done 2>/dev/null
""",
    )
    job = submitted(shared_place, "--", payload)
    assert shared_place.ended(job)["state"] == "finished"
    text = stdout(shared_place, job)
    assert "P3S_TOKEN=" in text
    assert shared_place.token not in text, "the token with which the pilot registers can be read by every payload"


# ---- results


def published(place: Place, job: str) -> list[dict[str, Any]]:
    return [result for result in place.client.results() if result["job"] == job]


def test_results_of_the_python_helper_and_of_p3s_publish_are_on_display(shared_place: Place) -> None:
    by_helper = shared_place.script(
        "helper.py",
        f"""#!{shutil.which("python3")}
from p3s_result import Result
with Result("Helper", run=41) as r:
    r.number("dead", 12, good=(0, 40))
""",
    )
    by_shell = shared_place.script(
        "publish.sh",
        "#!/bin/sh\nexport PYTHONHOME=/nowhere LD_LIBRARY_PATH=/nowhere\n"
        "exec p3s-publish --category Shell --run 42 --number 'noise=-3.5' --unit ADC --check 'FEMBs=bad'\n",
    )
    jobs = shared_place.client.submit([by_helper, by_shell])
    ended = [shared_place.ended(job) for job in jobs]
    assert [job["state"] for job in ended] == ["finished", "finished"], [stdout(shared_place, job) for job in jobs]
    [result] = published(shared_place, jobs[0])
    assert (result["category"], result["run"], result["status"], result["incomplete"]) == ("Helper", 41, "good", False)
    [result] = published(shared_place, jobs[1])
    assert (result["category"], result["run"], result["status"], result["incomplete"]) == ("Shell", 42, "bad", False)


def test_a_bad_item_is_a_hole_and_costs_nothing_else(shared_place: Place) -> None:
    payload = shared_place.script(
        "hole.sh",
        """#!/bin/sh
cat > $P3S_RESULT_DIR/p3s-result.json <<'EOF'
{"p3s_result": 1, "category": "Holes", "items": [
  {"kind": "number", "name": "good one", "value": 3},
  {"kind": "images", "name": "no such image", "files": "nowhere.png"}]}
EOF
""",
    )
    [job] = shared_place.client.submit([payload])
    assert shared_place.ended(job)["state"] == "finished"
    [result] = published(shared_place, job)
    assert result["incomplete"]
    page = Connection(shared_place.url).call("GET", f"/jobs/{job}").decode()
    assert "good one" in page
    assert "no such image" in page


# ---- 2018


def test_print_env_of_2018_runs_as_it_is(shared_place: Place, classic: Path) -> None:
    done = shared_place.p3s("job", "submit", "--wait", str(classic / "printEnv.json"))
    assert done.returncode == 0, done.stderr
    job = shared_place.client.job(done.stdout.strip())
    assert (job["name"], job["jobtype"], job["priority"], job["time_limit"]) == ("printEnv", "printEnv", 1, 100)
    assert "P3S_COMMENT=we are not using a wrapper" in stdout(shared_place, job["uuid"])


def test_three_simple_jobs_of_2018_run_with_their_paths_set(shared_place: Place, classic: Path, tmp_path: Path) -> None:
    jobs = json.loads((classic / "threeSimpleJobs.json").read_text())
    for job in jobs:
        job["payload"] = shared_place.script(
            f"{job['name']}.sh", "#!/bin/bash\ncat $P3S_INPUT_DIR/$P3S_INPUT_FILE > $P3S_OUTPUT_FILE\n"
        )
        job["env"]["P3S_INPUT_DIR"] = str(tmp_path)
        job["env"]["P3S_OUTPUT_FILE"] = str(tmp_path / f"{job['name']}.out")
        (tmp_path / job["env"]["P3S_INPUT_FILE"]).write_text(f"data of {job['name']}")
    copy = tmp_path / "threeSimpleJobs.json"
    copy.write_text(json.dumps(jobs))
    done = shared_place.p3s("job", "submit", "--wait", str(copy))
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == len(jobs) == 3
    for job in jobs:
        assert (tmp_path / f"{job['name']}.out").read_text() == f"data of {job['name']}"


def test_a_wrapper_of_2018_runs_from_a_copy(shared_place: Place, classic: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "input.txt", tmp_path / "output.txt"
    source.write_text("a\nb\nc\n")
    wrapper = tmp_path / "count_like.sh"
    shutil.copy(classic / "wrappers" / "count_like.sh", wrapper)
    wrapper.chmod(0o755)
    env = {"P3S_MODE": "COPY", "P3S_INPUT_FILE": str(source), "P3S_OUTPUT_FILE": str(target)}
    flags = [word for name, value in env.items() for word in ("-e", f"{name}={value}")]
    done = shared_place.p3s("job", "submit", "--wait", *flags, "--", str(wrapper))
    assert done.returncode == 0, done.stderr
    assert target.read_text().split() == ["3", str(source)]
    assert stdout(shared_place, done.stdout.strip()).startswith("pid, ppid:")


def test_the_monitor_wrapper_of_2018_runs_with_a_bare_input_name(
    shared_place: Place, classic: Path, tmp_path: Path
) -> None:
    wrapper = tmp_path / "monitor_like.sh"
    shutil.copy(classic / "wrappers" / "monitor_like.sh", wrapper)
    wrapper.chmod(0o755)
    text = (classic / "wrappers" / "monitor_like.json").read_text().replace("PATH_TO_BE_SET", str(tmp_path))
    description = tmp_path / "monitor.json"
    description.write_text(text)
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "np04_raw_run003907_0001_dl1.root").write_text("1\n2\n")
    done = shared_place.p3s("job", "submit", "--wait", str(description), "-f", "np04_raw_run003907_0001_dl1.root")
    assert done.returncode == 0, done.stderr
    job = done.stdout.strip()
    left = sorted(path.name for path in (tmp_path / "monitor" / job).iterdir())
    assert left == [
        "hits_U1.png",
        "hits_V1.png",
        "run003907_0001_dl01_monitor_FileList.json",
        "run003907_0001_dl01_monitor_summary.json",
    ]


# ---- the start


def test_a_job_on_an_idle_system_starts_at_once(shared_place: Place) -> None:
    """Not a measurement: a start that waited for a timer of seconds would be seen here."""
    jobs = []
    for _ in range(5):
        [job] = shared_place.client.submit(["/bin/true"])
        jobs.append(shared_place.ended(job))
    assert min(job["started_at"] - job["submitted_at"] for job in jobs) < 0.5
    assert time.time() - jobs[0]["submitted_at"] < 60
