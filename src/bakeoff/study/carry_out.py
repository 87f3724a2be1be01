"""Carry plans out in their folders: one, or several that share processes, a limit of time and a Ctrl-C."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

from bakeoff.data.locations import Locations
from bakeoff.study.begin import Begun, begun
from bakeoff.study.execute import Outcome, execute
from bakeoff.study.jobs import Crew, check_jobs
from bakeoff.study.observer import Observer
from bakeoff.study.plan import Plan
from bakeoff.study.stopping import Stop, check_limit


def run(
    plan: Plan,
    folder: Path,
    where: Locations,
    observer: Observer,
    *,
    time_limit: float | None = None,
    database: str | None = None,
    retry_failed: bool = False,
    jobs: int = 1,
) -> Outcome:
    """Train what a plan still lacks, in its folder; see `compare`.

    Args:
        plan: from `bakeoff.study.plan.make_plan`.
        folder: the study's folder, new or of this same study.
        where: noted in the folder, so that a report made later finds the images.
        observer: told how the study goes on.
        time_limit: seconds after which training is saved and stopped.
        database: the URL of a database; None: the one that the folder was begun with, a file in it unless another was
            named.
        retry_failed: try runs again that have failed.
        jobs: how many runs to train at once.
    """
    with carrying_out(
        {folder: plan}, where, time_limit=time_limit, database=database, retry_failed=retry_failed, jobs=jobs
    ) as carry_out:
        return carry_out(folder, observer)


@contextmanager
def carrying_out(
    plans: Mapping[Path, Plan],
    where: Locations,
    *,
    time_limit: float | None = None,
    database: str | None = None,
    retry_failed: bool = False,
    jobs: int = 1,
) -> Iterator[Callable[[Path, Observer], Outcome]]:
    """Give what trains what the plan of a folder still lacks; it is to be called for every folder in turn.

    With several jobs all studies are begun at once and share the processes, so that none idles at the end of a study
    while another has runs to train.

    Args:
        plans: by their folders, in the order in which they are carried out.
        where, database, retry_failed: as for `run`.
        time_limit: seconds after which training is saved and stopped, of all plans together.
        jobs: how many runs to train at once, of all plans together.
    """
    check_limit(time_limit)
    check_jobs(jobs)
    stop = Stop(time_limit)
    with ExitStack() as stack:

        @cache
        def study(folder: Path) -> Begun:
            return stack.enter_context(begun(plans[folder], folder, where, database, retry_failed=retry_failed))

        crew = stack.enter_context(Crew([study(folder) for folder in plans], jobs)) if jobs > 1 else None
        yield lambda folder, observer: execute(study(folder), observer, stop, crew)
