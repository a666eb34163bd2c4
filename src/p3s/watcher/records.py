"""What the server has on record of files, of their jobs and of their workflows."""

from collections.abc import Callable

from p3s.client.sdk import Client
from p3s.protocol.catalogue import DatasetChange
from p3s.protocol.errors import NotKnown, Refused
from p3s.protocol.states import FINAL_JOB_STATES
from p3s.protocol.views import Dataset, JobRow

NAMED = 200
"""Jobs, or workflows, in one question."""


class Records:
    """Asked and changed by who looks after files. All raise TryLater for a server that is away."""

    def __init__(self, client: Client, say: Callable[[str], None]) -> None:
        self.client, self.say = client, say

    def dataset(self, url: str) -> Dataset | None:
        """The file at this address; None for one that is not known, or lies elsewhere now."""
        try:
            found = self.client.find_dataset(url)
        except NotKnown:
            return None
        return found if found["url"] == url else None

    def change(self, dataset: str, change: DatasetChange) -> None:
        """What cannot be changed is said."""
        try:
            self.client.adjust_dataset(dataset, change)
        except Refused as error:
            self.say(f"dataset {dataset}: {error}")

    def open(self, jobs: list[str], workflows: list[str]) -> set[str]:
        """Those of them that go on."""
        found: set[str] = set()
        for named in _portions(jobs):
            found |= {row["uuid"] for row in self.client.each_job(uuid=named) if row["state"] not in FINAL_JOB_STATES}
        for named in _portions(workflows):
            found |= {row["uuid"] for row in self.client.workflows(None, uuid=named) if row["ended_at"] is None}
        return found

    def states(self, dataset: str) -> dict[str, str]:
        """Of the newest job of each type, and of the newest workflow that each stream has started: what becomes of the
        jobs of those is their own affair. The final words of both are the same."""
        rows: list[JobRow] = list(self.client.each_job(dataset=dataset))
        flows = self.client.workflows(None, dataset=dataset)
        own = {flow["uuid"] for flow in flows}
        found = {row["jobtype"]: row["state"] for row in reversed(rows) if row["workflow"] not in own}
        return found | {f"workflow of {flow['stream']}": flow["state"] for flow in reversed(flows)}


def _portions(names: list[str]) -> list[str]:
    """As lists ask for several."""
    return [",".join(names[at : at + NAMED]) for at in range(0, len(names), NAMED)]
