"""Named sets of files: make one, put files in, take them out."""

import uuid
from collections import defaultdict
from collections.abc import Sequence

from p3s.domain.effects import Noted
from p3s.protocol.catalogue import SetChanged, SetMembers, SetRequest
from p3s.protocol.errors import BadInput, Conflict, NotAllowed, NotKnown
from p3s.server.data.models import Dataset, Member
from p3s.server.data.reads import moved_from

from .datasets import data_type
from .rerun import Who
from .work import Work

ADDRESS = "set:"
"""What the address of a set begins with."""


def make(work: Work, *, name: str, request: SetRequest, who: Who) -> SetChanged:
    """A set of this name; of one that is there already only `add` counts. All of it or nothing, as `change`."""
    work.flush()
    joining = resolved(request.add)
    row = Dataset.objects.filter(url=ADDRESS + name).first()
    new = row is None
    if row is None:
        row = Dataset.objects.create(
            uuid=str(uuid.uuid4()),
            name=name,
            url=ADDRESS + name,
            kind="set",
            datatype=data_type(request.datatype) if request.datatype else None,
            comment=request.comment,
            state="available",
            owner=who.name,
            registered_at=work.now,
        )
        work.desk.do([Noted("dataset", row.uuid, "made", who.name, f"set {name}", work.now)])
        work.topics.add("datasets")
    elif request.add:
        _check_owner(row, who)
    added, _ = _change(work, row, joining, [], "", who)
    return SetChanged(row.uuid, name, new, added, 0, row.members.count())


def change(work: Work, *, name: str, request: SetMembers, who: Who) -> SetChanged:
    """All of it or nothing: raises NotKnown for a set or file that is not there, Conflict for a name of several."""
    work.flush()
    row = Dataset.objects.filter(url=ADDRESS + name).first()
    if row is None:
        raise NotKnown(f"there is no set {name}; p3s dataset set create {name} makes it")
    _check_owner(row, who)
    added, removed = _change(work, row, resolved(request.add), resolved(request.remove), request.why, who)
    return SetChanged(row.uuid, name, False, added, removed, row.members.count())


def _check_owner(row: Dataset, who: Who) -> None:
    if row.owner != who.name and not who.all_jobs:
        raise NotAllowed(f"set {row.name} belongs to {row.owner}; only they or an operator can change it")


def _change(
    work: Work, row: Dataset, joining: Sequence[str], leaving: Sequence[str], why: str, who: Who
) -> tuple[int, int]:
    """How many files joined and left."""
    there = set(row.members.filter(dataset__in=[*joining, *leaving]).values_list("dataset", flat=True))
    new = [one for one in joining if one not in there]
    Member.objects.bulk_create([Member(set=row, dataset_id=one) for one in new], batch_size=200)
    gone = [one for one in leaving if one in there]
    row.members.filter(dataset__in=gone).delete()
    if new or gone:
        said = ", ".join(f"{len(ones)} {word}" for ones, word in ((new, "added"), (gone, "removed")) if ones)
        noted = Noted("dataset", row.uuid, "files changed", who.name, f"{said}: {why}" if why else said, work.now)
        work.desk.do([noted])
        work.topics.add("datasets")
    return len(new), len(gone)


def resolved(named: Sequence[str]) -> list[str]:
    """UUIDs of files that are named by UUID, URL, whole name or the URL at which they were registered, each once."""
    wanted = list(dict.fromkeys(named))
    found: dict[str, list[Dataset]] = defaultdict(list)
    for column in ("name", "url", "uuid"):  # what is most exact wins
        by_column: dict[str, list[Dataset]] = defaultdict(list)
        for row in Dataset.objects.filter(**{f"{column}__in": wanted}).only("uuid", "name", "url", "kind"):
            by_column[getattr(row, column)].append(row)
        found |= by_column
    moved = {uuid: which for which, uuid in moved_from([one for one in wanted if one not in found]).items()}
    for row in Dataset.objects.filter(uuid__in=list(moved)).only("uuid", "kind"):
        found[moved[row.uuid]] = [row]
    return list(dict.fromkeys(_the_one(which, found[which]) for which in wanted))


def _the_one(which: str, rows: Sequence[Dataset]) -> str:
    if not rows:
        raise NotKnown(f"there is no file {which[:200]}; p3s dataset register makes it known")
    if len(rows) > 1:
        raise Conflict(
            f"{which[:200]} is the name of {len(rows)} datasets, like {rows[0].uuid}; name it by UUID or URL"
        )
    if rows[0].kind == "set":
        raise BadInput(f"{which[:200]} is a set; a set has files only")
    return rows[0].uuid
