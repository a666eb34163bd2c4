"""A person has files of a stream processed now, whatever its prescale: those that were left out, or went wrong."""

from fnmatch import fnmatchcase

from p3s.protocol.errors import NotKnown
from p3s.protocol.streams import ProcessReply, ProcessRequest
from p3s.server.data.models import Stream

from .arrive import spec_of
from .many import Ask
from .process_files import LOOKED, judged, left_out, look
from .process_jobs import make_jobs
from .process_workflows import start_workflows


def process(ask: Ask, *, name: str, request: ProcessRequest, who: str) -> ProcessReply:
    """Not for the writer's thread; the reply's `next`, given as `after`, goes on. Raises NotKnown for a stream, or a
    file, that is none."""
    stream = Stream.objects.filter(name=name).first()
    if stream is None:
        raise NotKnown(f"there is no stream {name[:80]}; p3s stream list shows them")
    spec = spec_of(stream)
    looked = look(name, request)
    following = str(looked[-1].pk) if len(looked) == LOOKED else None
    fitting = [one for one in looked if fnmatchcase(one.dataset.name, request.files or "*")]
    files = judged(spec, fitting, again=request.again)
    taken = [one for one in files if one.wanted]
    if request.limit is not None and len(taken) >= request.limit:
        taken, following = taken[: request.limit], None
        files = files[: files.index(taken[-1]) + 1] if taken else []
    left = [left_out(one, one.why) for one in files if not one.wanted]
    if spec.workflow:
        begun, unfit = start_workflows(ask, stream, spec, taken, request, who)
        return ProcessReply(begun, left + unfit, following)
    return ProcessReply(make_jobs(ask, name, taken, request, who), left, following)
