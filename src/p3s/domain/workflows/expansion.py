"""From a template to the plan of one workflow: fan-outs, merges, and what each job finds in its environment."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from p3s.domain.workflows import dag, filenames, parameters
from p3s.domain.workflows.fields import alone, fill
from p3s.domain.workflows.filenames import Names
from p3s.domain.workflows.overrides import changed
from p3s.domain.workflows.plan import InputFile, Plan, PlannedFile, PlannedNode
from p3s.protocol.errors import BadInput
from p3s.protocol.messages import JobSpec
from p3s.protocol.workflows import INPUTS, NOOP, Node, StartRequest, TemplateSpec

OWN = "P3S_INPUT_PATH"
"""The variable of the input that a job is made for."""

MOST_LINKS = 100_000
"""Files read and ends waited for, counted for each job."""

LISTS = "P3S_LISTS"
"""The variables whose values the pilot writes into files."""

MOST_LISTED = 2_000_000
"""Bytes of such a value."""

MOST_JOINED = 100_000
"""Bytes of a variable: a system takes 131,071 for a variable with its name."""


def expand(
    template: TemplateSpec,
    request: StartRequest,
    *,
    workflow: str,
    directory: str,
    inputs: Sequence[InputFile],
    extensions: Mapping[str, str],
    env: Mapping[str, str] = MappingProxyType({}),
) -> Plan:
    """The jobs of the workflow with this UUID, in `directory` (absolute, or an address), of a template that was
    checked. `extensions`: of all data types, by name. `env`: of the stream that starts it, taken as it is written; it
    wins over the template's, a node's own over both. Raises BadInput that says what to write instead."""
    chosen, notes = changed(template, request)
    filenames.check_policy(request.names)
    if not directory.startswith("/") and not filenames.is_address(directory):
        raise BadInput(f"directory: must be an absolute path, not {directory[:120]!r}")
    files = list({file.url: file for file in inputs}.values())
    if len(files) < len(inputs):
        notes.append(f"{len(inputs) - len(files)} inputs were named twice; each is taken once")
    values = parameters.settled(template.parameters, request.parameters)
    names = Names(chosen, workflow, directory, request.names, filenames.dotted(extensions))
    numbers = _in_common(request, files)
    planning = _Planning(chosen, request.name or template.name, files, names, values, numbers, env)
    for name, root in dag.roots(chosen).items():
        planning.add(name, root)
    if files and not planning.inputs_are_read:
        notes.append("no node reads the inputs")
    return Plan(planning.nodes, notes, values, numbers.run, numbers.subrun, numbers.keys)


@dataclass(frozen=True, slots=True)
class _Numbers:
    run: int | None
    subrun: int | None
    keys: Mapping[str, int | str]

    def of(self, file: InputFile | None) -> "_Numbers":
        """Those of a job made for this file."""
        if file is None:
            return self
        run = self.run if file.run is None else file.run
        # The subrun that the workflow has is of the workflow's run: of another run it says nothing.
        subrun = self.subrun if file.run is None and file.subrun is None else file.subrun
        return _Numbers(run, subrun, {**self.keys, **file.keys})


def _in_common(request: StartRequest, files: Sequence[InputFile]) -> _Numbers:
    """What the request says, else what all inputs agree on."""

    def same(values: Iterable[Any]) -> Any:
        found = set(values)
        return found.pop() if len(found) == 1 else None

    run = same(file.run for file in files) if request.run is None else request.run
    subrun = same(file.subrun for file in files) if request.subrun is None else request.subrun
    shared = {key: same(file.keys.get(key) for file in files) for key in (files[0].keys if files else {})}
    known = {key: value for key, value in shared.items() if value is not None}
    return _Numbers(run, subrun, {**known, **request.keys})


@dataclass(frozen=True, slots=True)
class _Item:
    """What one job of a node is made for."""

    index: int | None = None
    input: InputFile | None = None
    value: str | None = None


@dataclass(slots=True)
class _Planning:
    template: TemplateSpec
    title: str
    inputs: list[InputFile]
    names: Names
    values: Mapping[str, Any]
    numbers: _Numbers
    env: Mapping[str, str]
    nodes: list[PlannedNode] = field(default_factory=list)
    inputs_are_read: bool = False
    links: int = 0
    #: By root of fan-outs.
    items: dict[str, list[_Item]] = field(default_factory=dict)
    #: By node: its root, and where in the plan its jobs stand.
    roots: dict[str, str] = field(default_factory=dict)
    places: dict[str, list[int]] = field(default_factory=dict)
    #: By datum, one for each job of the node that writes it.
    files: dict[str, list[PlannedFile]] = field(default_factory=dict)
    #: By path: which node and variable write it, to find two that write one file.
    written: dict[str, tuple[str, str]] = field(default_factory=dict)
    #: By node that writes them.
    data: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, datum in self.template.data.items():
            self.data.setdefault(datum.node, []).append(name)
        self.written = {filenames.settled(file.url): (INPUTS, "") for file in self.inputs}

    def add(self, name: str, root: str) -> None:
        """The jobs of a node, those before it being planned. `root`: over what it fans out."""
        node = self.template.nodes[name]
        self.roots[name] = root
        self.places[name] = []
        for item in self._items(name, node):
            known = self._known(name, item)
            reads, after = self._reads(name, node, item)
            outputs = self._writes(name, item, known)
            numbers = self.numbers.of(item.input)
            spec = None if node.jobtype == NOOP else self._spec(name, node, item, known, reads, outputs)
            inputs = reads if item.input is None else (PlannedFile("", OWN, _path(item.input)), *reads)
            self.places[name].append(len(self.nodes))
            what = (name, item.index, spec, after, inputs, outputs, node.on_failure)
            self.nodes.append(PlannedNode(*what, numbers.run, numbers.subrun, numbers.keys))

    def _items(self, name: str, node: Node) -> list[_Item]:
        root = self.roots[name]
        if not root:
            found = [_Item()]
        elif root in self.items:
            found = self.items[root]
        elif root == INPUTS:
            found = [_Item(index, input=file) for index, file in enumerate(self.inputs)]
        else:
            found = [_Item(index, value=text) for index, text in enumerate(self._texts(name, node))]
        if root:
            self.items[root] = found
            self.inputs_are_read |= root == INPUTS
            _check_count(name, node, root, len(found))
        if len(self.nodes) + len(found) > dag.MOST_JOBS:
            raise BadInput(f"nodes.{name}: the workflow would have more than {dag.MOST_JOBS} jobs; start it in parts")
        return found

    def _texts(self, name: str, node: Node) -> list[str]:
        """What a list says; an entry that is a parameter of type list is its entries."""
        texts: list[str] = []
        for text in node.values:
            given = self.values.get(alone(text))
            texts += given if isinstance(given, list) else [fill(text, self.values, f"nodes.{name}.for_each")]
        return texts

    def _known(self, name: str, item: _Item) -> dict[str, object]:
        """The fields that texts may hold."""
        own = item.input or (self.inputs[0] if len(self.inputs) == 1 else None)
        numbers = self.numbers.of(item.input)
        return {
            **{f"keys.{key}": value for key, value in numbers.keys.items()},
            "run": numbers.run,
            "subrun": numbers.subrun,
            "input": filenames.stem(own.name or _last(own.url), self.names.extensions) if own else None,
            "value": item.value,
            "index": item.index,
            "node": name,
            "workflow": self.names.workflow,
            **self.values,
        }

    # ---- what a job reads

    def _reads(self, name: str, node: Node, item: _Item) -> tuple[tuple[PlannedFile, ...], tuple[int, ...]]:
        """Files, and the places of the jobs that it waits for."""
        found: list[PlannedFile] = []
        after = [place for one in node.after for place in self.places[one][self._its(one, name, item)]]
        if node.for_each and node.for_each != INPUTS:
            after.append(self.places[dag.writer(self.template, node.for_each)][item.index or 0])
        for variable, names in node.inputs.items():
            for one in names:
                if one == INPUTS:
                    found += [PlannedFile("", variable, _path(file)) for file in self._inputs(name, item)]
                    continue
                writer = self.template.data[one].node
                its = self._its(writer, name, item)
                found += [replace(file, variable=variable) for file in self.files[one][its]]
                after += self.places[writer][its]
        self.links += len(found) + len(after)
        if self.links > MOST_LINKS:
            raise BadInput(
                f"nodes.{name}: together the jobs would wait for more than {MOST_LINKS} files and ends; "
                "let a node in between merge them, or start it in parts"
            )
        return tuple(found), tuple(dict.fromkeys(after))

    def _its(self, writer: str, name: str, item: _Item) -> slice:
        """Which of the writer's jobs a job has to do with: its own one where both fan out over the same, else all."""
        if item.index is not None and self.roots[writer] == self.roots[name]:
            return slice(item.index, item.index + 1)
        return slice(None)

    def _inputs(self, name: str, item: _Item) -> list[InputFile]:
        self.inputs_are_read = True
        if item.input is not None:
            return [item.input]
        if not self.inputs:
            raise BadInput(
                f"nodes.{name}: reads the inputs, and none is given; name files with --input, or a --dataset"
            )
        return self.inputs

    # ---- what it writes

    def _writes(self, name: str, item: _Item, known: Mapping[str, object]) -> tuple[PlannedFile, ...]:
        found: dict[tuple[str, str], PlannedFile] = {}
        for one in self.data.get(name, ()):
            datum = self.template.data[one]
            path = self.names.path(one, item.index, known, lambda text: self._inherited(text, name, item))
            file = PlannedFile(one, datum.variable, path, datum.type, datum.comment, datum.keep)
            self._claim(one, file, name, item)
            self.files.setdefault(one, []).append(found.setdefault((datum.variable, path), file))
        return tuple(found.values())

    def _claim(self, datum: str, file: PlannedFile, name: str, item: _Item) -> None:
        """A file is written once, and no input is written over; what is there already may be named again."""
        own = (name if item.index is None else f"{name}[{item.index}]", file.variable)
        first = self.written.setdefault(filenames.settled(file.path), own)
        if first == own or self.template.nodes[name].jobtype == NOOP:
            return
        what = "is an input of the workflow" if first[0] == INPUTS else f"is {first[0]}'s {first[1]} already"
        more = "" if item.index is None else "; a {field} like {index} or {input} in its name tells them apart"
        raise BadInput(f"data.{datum}: {file.path!r} {what}; write another name or path{more}")

    def _inherited(self, text: str, name: str, item: _Item) -> str | None:
        """The path of the datum of this name, of the one job that is meant."""
        if text not in self.template.data:
            return None
        writer = self.template.data[text].node
        if text not in self.files:
            raise BadInput(f"data: {name} cannot inherit the name of {text}, which is written by or after it")
        files = self.files[text][self._its(writer, name, item)]
        if len(files) > 1:
            raise BadInput(f"data: {name} cannot inherit the name of {text}, which is {len(files)} files")
        return files[0].path

    # ---- the job

    def _spec(
        self,
        name: str,
        node: Node,
        item: _Item,
        known: Mapping[str, object],
        reads: tuple[PlannedFile, ...],
        outputs: tuple[PlannedFile, ...],
    ) -> JobSpec:
        wins = {**self.env, **node.env}
        env = {key: fill(text, known, f"env.{key}") for key, text in self.template.env.items() if key not in wins}
        env |= self.env
        env |= {key: fill(text, known, f"nodes.{name}.env.{key}") for key, text in node.env.items()}
        env |= {"P3S_EXECMODE": "SHELL"} if node.shell else {}
        env |= joined(reads, f"nodes.{name}.in", node.lists)
        env |= {LISTS: " ".join(node.lists)} if node.lists else {}
        env |= {file.variable: file.path for file in outputs}
        number = "" if item.index is None else f"[{item.index}]"
        return JobSpec(
            payload=node.payload,
            name=f"{self.title}/{name}{number}"[:200],
            jobtype=node.jobtype or "default",
            input=item.input.url if item.input is not None else "",
            env=env,
            priority=node.priority,
            time_limit=node.time_limit,
            needs=node.needs,
        )


def joined(files: Iterable[PlannedFile], where: str, lists: Collection[str] = ()) -> dict[str, str]:
    """By variable the paths of its files, separated by blanks, or for those of `lists` one a line, which the pilot
    writes into a file. Raises BadInput where they could not be told apart, or are more than a variable holds."""
    paths: dict[str, list[str]] = {}
    for file in files:
        paths.setdefault(file.variable, []).append(file.path)
    for variable, several in paths.items():
        if variable in lists:
            continue
        torn = next((path for path in several if len(several) > 1 and any(letter.isspace() for letter in path)), "")
        if torn:
            raise BadInput(
                f"{where}.{variable}: {len(several)} paths are joined by blanks, and {torn!r} has one in it; "
                f"write {variable}: {{list: ...}}, and $" + variable + " is a file with a path in each line"
            )
    found = {name: ("\n" if name in lists else " ").join(several) for name, several in paths.items()}
    for variable, text in found.items():
        if len(text.encode()) > (MOST_LISTED if variable in lists else MOST_JOINED):
            raise BadInput(
                f"{where}.{variable}: the paths of {len(paths[variable])} files are more than a variable holds; "
                f"write {variable}: {{list: ...}}, and $" + variable + " is a file with a path in each line"
            )
    return found


_GIVE = "name files with --input, or a --dataset"


def _check_count(name: str, node: Node, root: str, count: int) -> None:
    if not count:
        raise BadInput(f"nodes.{name}: makes one job for each input, and none is given; {_GIVE}")
    if count > node.at_most:
        what = "input" if root == INPUTS else "text of a list"
        raise BadInput(
            f"nodes.{name}: one job for each {what} is {count} jobs, and at_most allows {node.at_most}; "
            f"give fewer, or write a higher at_most (up to {dag.MOST_JOBS})"
        )


def _path(file: InputFile) -> str:
    return file.url.removeprefix("file://")


def _last(url: str) -> str:
    return url.partition("?")[0].rstrip("/").rpartition("/")[2] or url
