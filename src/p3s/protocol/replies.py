"""Pages of lists, and short answers: what stands around the objects of `views`. `next` of a page continues it."""

from typing import Optional, TypedDict

from .services import ServiceState
from .views import Alarm, Dataset, Host, JobRow, JobType, Pause, PilotRow, Recorded, ResultRow, Token, User


class Tokens(TypedDict):
    """All tokens that one may see."""

    tokens: "list[Token]"


class Users(TypedDict):
    """All of them."""

    users: "list[User]"


class Services(TypedDict):
    """The server's own, then scripts by name."""

    services: "list[ServiceState]"


class ServiceForgotten(TypedDict):
    """Which one."""

    name: str


class Record(TypedDict):
    """A page of the record."""

    events: "list[Recorded]"
    next: Optional[str]


class Health(TypedDict):
    """The server takes orders."""

    ready: bool


class JobRows(TypedDict):
    """A page of jobs; `next` continues, null at the end."""

    jobs: "list[JobRow]"
    next: Optional[str]


class PilotRows(TypedDict):
    """A page of pilots."""

    pilots: "list[PilotRow]"
    next: Optional[str]


class Datasets(TypedDict):
    """A page of datasets."""

    datasets: "list[Dataset]"
    next: Optional[str]


class Results(TypedDict):
    """A page of results; with `items=true` each has `items` too."""

    results: "list[ResultRow]"
    next: Optional[str]


class Alarms(TypedDict):
    """A page of alarms."""

    alarms: "list[Alarm]"
    next: Optional[str]


class JobTypes(TypedDict):
    """All job types, by name."""

    jobtypes: "list[JobType]"


class Pauses(TypedDict):
    """All that is paused."""

    pauses: "list[Pause]"


class Hosts(TypedDict):
    """All hosts."""

    hosts: "list[Host]"


class Changed(TypedDict):
    """Whether a job type's settings are others now."""

    name: str
    changed: bool


class PauseChanged(TypedDict):
    """Whether a pause is other than before."""

    jobtype: str
    changed: bool


class Trusted(TypedDict):
    """Of how many doubts a host is rid."""

    host: str
    doubts: int


class StreamVersion(TypedDict):
    """The version of a stream that is in force, whether it is a new one, and what its author should know."""

    name: str
    version: int
    changed: bool
    notes: "list[str]"


class DeathHeard(TypedDict):
    """`new` is false when the pilot had ended already."""

    new: bool


class Uploaded(TypedDict):
    """How many bytes were written."""

    bytes: int
