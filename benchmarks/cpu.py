"""CPU that processes took."""

import time
from collections.abc import Sequence

import psutil


def cpu_s(processes: Sequence[psutil.Process]) -> float:
    """CPU seconds so far of these processes, of what they run now, and of what they ran and have reaped."""
    total = 0.0
    for top in processes:
        for process in [top, *top.children(recursive=True)]:
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:  # ended just now: its parent's account has it at the next look
                continue
            total += times.user + times.system + times.children_user + times.children_system
    return total


def own_cpu_s() -> float:
    """CPU seconds so far of this very process alone."""
    return time.process_time()
