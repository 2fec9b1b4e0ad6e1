"""Many small jobs in few processes, each of which builds what the jobs need once."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from signal import SIG_IGN, SIGINT, signal
from typing import Any, Protocol


class Worker(Protocol):
    """Does jobs, one after the other, and stores what comes of them."""

    def do(self, job: Any) -> None:
        """Do one job."""
        ...


_worker: Worker | None = None


def do_all(
    make_worker: Callable[[], Worker], jobs: Sequence[Any], n_workers: int, on_progress: Callable[[int], None]
) -> None:
    """Do every job; ``on_progress`` is told how many are done. Jobs not begun are dropped on an interrupt.

    ``make_worker`` and the jobs travel to other processes by pickle, unless ``n_workers`` is 1.
    """
    on_progress(0)
    if n_workers == 1:
        worker = make_worker()
        for done, job in enumerate(jobs, 1):
            worker.do(job)
            on_progress(done)
        return
    pool = ProcessPoolExecutor(n_workers, multiprocessing.get_context("spawn"), _begin, (make_worker,))
    try:
        for done, finished in enumerate(as_completed([pool.submit(_do, job) for job in jobs]), 1):
            finished.result()
            on_progress(done)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin(make_worker: Callable[[], Worker]) -> None:
    """An interrupt is the parent's to handle; a parent that is killed takes its workers along."""
    global _worker
    signal(SIGINT, SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _worker = make_worker()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _do(job: Any) -> None:
    assert _worker is not None
    _worker.do(job)
