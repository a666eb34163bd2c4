"""Set and remove data types."""

from p3s.domain.effects import Noted
from p3s.protocol.catalogue import DataTypeChanged, DataTypeSpec, Removed
from p3s.protocol.errors import Conflict, NotKnown
from p3s.protocol.units import counted
from p3s.server.data.models import Dataset, DataType

from .work import Work


def set_datatype(work: Work, *, spec: DataTypeSpec, who: str) -> DataTypeChanged:
    """A new one, or other settings of one that is there."""
    work.flush()
    row = DataType.objects.filter(name=spec.name).first()
    new = row is None
    if row is None:
        row = DataType(name=spec.name)
    elif (row.ext, row.comment) == (spec.ext, spec.comment):
        return DataTypeChanged(spec.name, False, False)
    row.ext, row.comment, row.owner, row.updated_at = spec.ext, spec.comment, who, work.now
    row.save()
    said = f"ext {spec.ext or 'none'}" + (f", {spec.comment}" if spec.comment else "")
    work.desk.do([Noted("datatype", spec.name, "made" if new else "set", who, said, work.now)])
    return DataTypeChanged(spec.name, new, True)


def remove_datatype(work: Work, *, name: str, who: str, why: str, dry_run: bool) -> Removed:
    """Raises Conflict while datasets are of it."""
    work.flush()
    if not DataType.objects.filter(name=name).exists():
        raise NotKnown(f"there is no data type {name}; p3s datatype list shows all")
    used = Dataset.objects.filter(datatype=name).count()
    if used:
        raise Conflict(
            f"data type {name} is that of {counted(used, 'dataset')}; give them another first "
            f"(p3s dataset list --datatype {name})"
        )
    if not dry_run:
        DataType.objects.filter(name=name).delete()
        work.desk.do([Noted("datatype", name, "removed", who, why, work.now)])
    return Removed(name, "")
