"""The product beside its peers, each in its own process and environment, in rounds of all in turn.

    python benchmarks/against_peers.py [CASE ...] [--quick] [--keep] [--threads N] [--data-dir DIR] [--peers PYTHON]

Without names it measures every case of `cases.py` that is not slow (`accuracy` is). It prints every candidate's figure,
what the product's is as a multiple of it, and what that was in the results that are kept in `results/peers`. `--keep`
replaces those, and writes the tables of `docs/performance.md`. It ends with 1 where a multiple has become larger by
more than `TOLERANCE` on the machine of the kept results. `--quick` tries everything once, on a tenth of the images.
Where the processor does not multiply bfloat16, candidates that are there for that are left out.
"""

import argparse
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import performance_page
from candidate import Candidate
from cases import CASES, Case
from outcome import KEPT, Found, Outcome
from timing import interleave, machine

from bakeoff.data.load import load
from bakeoff.data.locations import Locations
from bakeoff.specs.data import DataSpec
from bakeoff.training.precision import native_bf16

ROOT = Path(__file__).parents[1]
DATA = os.environ.get("BAKEOFF_TEST_DATA") or ROOT.parent / "shared" / "data"
TOLERANCE = 0.15
TESTED = {True: 10_000, False: 100}  # images, by whether accuracy matters


def measure(case: Case, data: Path, peers: Path, threads: int, data_dir: Path) -> dict[str, Found]:
    """Return what every candidate of a case did."""
    found: dict[str, Found] = {}
    for seed in case.seeds:
        task = {**case.task, "seed": seed, "rounds": case.rounds + case.warm_up, "data_dir": str(data_dir)}
        with ExitStack() as running:
            started = {}
            for name, entry in case.entries.items():
                python = Path(sys.executable) if entry.script.startswith("ours_") else peers
                every = {"data": str(data), **task, **entry.task}
                started[name] = running.enter_context(Candidate(python, entry.script, every, threads))
            rounds = {name: candidate.round for name, candidate in started.items()}
            seconds = interleave(rounds, case.rounds, case.warm_up)
            for name, candidate in started.items():
                one = Found(candidate.about, case.entries[name].times, seconds[name], [candidate.finish()])
                found[name] = found[name].and_seed(one) if name in found else one
    sizes = {name: set(one.each("parameters")) for name, one in found.items()}
    assert len(set().union(*sizes.values())) <= 1, f"not the same network: {sizes}"
    return found


def prepared(case: Case, data_dir: Path, folder: Path) -> Path:
    """Write the images of a case's rounds, the first of CIFAR-10, into a file for all candidates; return its path."""
    images = load(DataSpec(name="cifar10"), Locations(data_dir=data_dir, offline=True))
    path = folder / f"{case.images}.npz"
    arrays = {}
    for part, count in {"train": case.images, "test": TESTED[case.slow]}.items():
        rows = images.parts[part][:count]
        arrays |= {f"x_{part}": images.images[rows], f"y_{part}": images.labels[rows]}
    np.savez(path, **arrays)
    return path


def main() -> int:
    """Measure, show, compare, and keep what is to be kept; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--data-dir", type=Path, default=DATA)
    parser.add_argument("--peers", type=Path, default=ROOT / "build" / "peers" / "bin" / "python")
    given = parser.parse_args()
    if unknown := set(given.cases) - set(CASES):
        parser.error(f"no case {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    if given.quick and given.keep:
        parser.error("what --quick measures is not worth keeping")
    worse = []
    for name in given.cases or [name for name, case in CASES.items() if not case.slow]:
        case = CASES[name] if native_bf16() else CASES[name].without_bf16()
        if given.quick:
            images = max(case.images // 10, case.task["batch"])
            case = replace(case, images=images, rounds=1, seeds=case.seeds[:1])
        with tempfile.TemporaryDirectory() as folder:
            data = prepared(case, given.data_dir, Path(folder))
            found = measure(case, data, given.peers, given.threads, given.data_dir)
        outcome = Outcome(name, machine(given.threads), case.images, found)
        kept = Outcome.kept(name)
        print(outcome.shown(kept), flush=True)
        worse += [] if given.quick or kept is None else outcome.worse_than(kept, TOLERANCE)
        if given.keep:
            KEPT.mkdir(exist_ok=True)
            (KEPT / f"{name}.json").write_text(json.dumps(outcome.content(), indent=1) + "\n", encoding="utf-8")
    if given.keep:
        performance_page.write()
    for sentence in worse:
        print(sentence)
    return bool(worse)


if __name__ == "__main__":
    sys.exit(main())
