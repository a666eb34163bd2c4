"""How large the files of a result may be: judged where they lie, on the worker node and on the server."""

from collections.abc import Mapping
from typing import Optional

from p3s.protocol.result_items import Item, refuse
from p3s.protocol.results import MAX_FILE_BYTES, MAX_RESULT_BYTES, Result, with_items

MEGABYTE = 1_000_000


def within_sizes(result: Result, sizes: Mapping[str, int]) -> Result:
    """The result with a hole for every item whose files are too big, alone or with those before them.

    `sizes`: bytes of each file, by the path that items name it by.
    """
    counted: dict[str, int] = {}
    items = []
    total = 0
    for item in result.items:
        new = {entry.path: sizes[entry.path] for entry in item.files if entry.path not in counted}
        problem = _problem(item, sizes, total + sum(new.values()))
        if problem:
            items.append(refuse(item, problem))
            continue
        counted.update(new)
        total += sum(new.values())
        items.append(item)
    return with_items(result, items)


def _problem(item: Item, sizes: Mapping[str, int], total: int) -> Optional[str]:
    for entry in item.files:
        size = sizes[entry.path]
        if size > MAX_FILE_BYTES:
            limit = MAX_FILE_BYTES // MEGABYTE
            return f"{entry.path} has {size / MEGABYTE:.1f} MB; at most {limit} MB a file: make it smaller"
    if item.files and total > MAX_RESULT_BYTES:
        limit = MAX_RESULT_BYTES // MEGABYTE
        return f"the files of this result have more than {limit} MB together; publish fewer or smaller ones"
    return None
