"""How long something takes, for tests of how that grows with its input."""

import time
from collections.abc import Callable


def fastest(work: Callable[[], object]) -> float:
    """Processor seconds of the fastest of three runs: the garbage of other tests may be collected in one."""
    seconds = []
    for _ in range(3):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return min(seconds)
