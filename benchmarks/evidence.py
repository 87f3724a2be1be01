"""Measure whether the tests and intervals of `bakeoff.evidence` are what they say they are.

    python benchmarks/evidence.py

does it three ways: by integration over all ratios of variances, on simulated networks, and on real networks
(`evidence_runs.npz`, made by `evidence_runs.py`); and on simulated costs. It writes `evidence.json` beside this file
and its tables into `docs/evidence.md`. A 5 % test between equal models must call a difference in 3 to 6 % of the
repetitions, and 95 % intervals must hold the truth in 93 to 97 %; it fails where they do not. What comes out outside is
measured again, with fresh random numbers and four times as often, to tell chance from a fault. Some fifteen minutes of
one core. `--only costs` takes half a minute, and keeps what `evidence.json` has of all else.
"""

import argparse
import json
import platform
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, repeat
from pathlib import Path

import evidence_report
import numpy as np
import scipy
from evidence_bound import bounds
from evidence_costs import costs
from evidence_integration import integrated, integrated_mean
from evidence_simulation import EQUAL, Scores, Setting, settings

import bakeoff
from bakeoff.evidence.compare import compare
from bakeoff.evidence.components import components
from bakeoff.evidence.estimate import estimate
from bakeoff.evidence.power import CIFAR10, Spread, detectable, power, seeds_needed

HERE = Path(__file__).parent
PAIRS = (("cifar10 lenet5", "cifar10 simcnn"),)  # of the real networks, judged on the same images
AGAIN = 4  # times as many repetitions for what came out outside the bounds


@dataclass(frozen=True)
class Turn:
    """How often to measure, by the random numbers of which turn, and for which numbers of seeds; all where none are."""

    repetitions: int
    name: str = ""
    seeds: tuple[tuple[int, int], ...] = ()

    def rng(self, of: str) -> np.random.Generator:
        """Return the generator of a measurement."""
        return np.random.default_rng(zlib.crc32(f"{of}{self.name}".encode()))


def measured(
    pairs: Iterable[tuple[Scores, Scores]], seeds: tuple[tuple[int, int], ...], mean: float, gap: float
) -> list[dict]:
    """Return how often a difference is called, and how often intervals hold the truth, for each numbers of seeds.

    Args:
        pairs: for each repetition the scores of both models, of as many runs as the most seeds ask for.
        seeds: of the first and the second model.
        mean: the first model's true mean score; nan where it is not known.
        gap: the true difference.
    """
    counts, repetitions = np.zeros((len(seeds), 3)), 0
    for first, second in pairs:
        repetitions += 1
        for row, (one, other) in enumerate(seeds):
            a, b = components(first[:one]), components(second[:other])
            found, own = compare("a", "b", a, b), estimate("a", a)
            assert found.low is not None
            assert found.high is not None
            counts[row] += found.different, found.low <= gap <= found.high, own.low <= mean <= own.high
    shares = (counts / repetitions).tolist()
    known = not np.isnan(mean)
    return [
        {"seeds": pair, "repetitions": repetitions, "called": called, "holds_difference": held}
        | {"holds_mean": own if known else None}
        for pair, (called, held, own) in zip(seeds, shares, strict=True)
    ]


def simulated(setting: Setting, turn: Turn) -> list[dict]:
    """Measure on simulated networks."""
    setting = replace(setting, seeds=turn.seeds or setting.seeds)
    rng = turn.rng(repr(setting))
    pairs = (setting.draw(rng) for _ in range(turn.repetitions))
    about = {key: value for key, value in vars(setting).items() if key != "seeds"}
    return [{**about, **row} for row in measured(pairs, setting.seeds, setting.accuracy, setting.gap)]


def real_runs() -> dict[str, Scores]:
    """Return the scores of real networks, by data set and network."""
    with np.load(HERE / "evidence_runs.npz") as packed:
        names = [name for name in packed if not name.endswith(" images")]
        sizes = {name: int(packed[f"{name} images"]) for name in names}
        return {name: np.unpackbits(packed[name], axis=1)[:, : sizes[name]].astype(np.float64) for name in names}


def equal_real(name: str, images: int, turn: Turn) -> list[dict]:
    """Measure on two groups of the same network's runs, none in both, on images drawn with replacement."""
    runs = real_runs()[name]
    rng = turn.rng(f"{name} {images}")

    def draw() -> Iterator[tuple[Scores, Scores]]:
        for _ in range(turn.repetitions):
            chosen = runs[rng.choice(len(runs), 20, replace=False)][:, rng.integers(0, runs.shape[1], images)]
            yield chosen[:10], chosen[10:]

    rows = measured(draw(), turn.seeds or EQUAL, float("nan"), 0.0)
    return [{"runs": name, "images": images, **row} for row in rows]


def different_real(pair: tuple[str, str], images: int, turn: Turn) -> list[dict]:
    """Measure on runs of two networks. All their runs on all their images are the population that is drawn from.

    Runs and images are drawn with replacement, so that the truth is known exactly: the means over all of them.
    """
    first, second = (real_runs()[name] for name in pair)
    rng = turn.rng(f"{pair} {images}")

    def draw() -> Iterator[tuple[Scores, Scores]]:
        for _ in range(turn.repetitions):
            image = rng.integers(0, first.shape[1], images)
            one, other = (runs[rng.integers(0, len(runs), 10)][:, image] for runs in (first, second))
            yield one, other

    rows = measured(draw(), turn.seeds or EQUAL, float(first.mean()), float(first.mean() - second.mean()))
    return [{"runs": " and ".join(pair), "images": images, **row} for row in rows]


def variances() -> list[dict]:
    """Return the variance components of the real networks, and of the pairs among them."""
    parts = {name: components(scores) for name, scores in real_runs().items()}
    rows = [
        {
            "runs": name,
            "seeds": p.seeds,
            "images": p.size,
            "accuracy": p.mean,
            "run_sd": p.run_variance**0.5,
            "seed_sd": max(0.0, p.seed_variance) ** 0.5,
            "residual": p.residual,
            "image": p.image_variance,
        }
        for name, p in parts.items()
    ]
    for one, other in PAIRS:
        spread = Spread.of(parts[one], parts[other])
        rows.append({"runs": f"{one} and {other}", **vars(spread)})
    return rows


def powers() -> list[dict]:
    """Return the power curves: by seeds, for differences of .5, 1 and 2 points and several spreads."""
    cases = [("the small networks below on CIFAR-10", CIFAR10)]
    for sd in (0.001, 0.003, 0.01):
        typical = Setting("", 1, 0.9, (sd, sd)).spread()
        cases.append((f"networks of 90 %, {100 * sd:.1f} points over seeds", typical))
    rows = []
    for name, spread in cases:
        for images in (1_000, 10_000):
            row = {"networks": name, **vars(spread), "images": images}
            for points in (0.5, 1.0, 2.0):
                row[f"seeds for {points}"] = seeds_needed(points / 100, spread, images)
                row[f"power for {points}"] = {n: power(points / 100, n, spread, images) for n in (2, 3, 5, 10, 20, 50)}
            row["detectable"] = {n: detectable(n, spread, images) for n in (2, 3, 5, 10)}
            rows.append(row)
    return rows


@dataclass(frozen=True)
class Job:
    """Rows that are measured together: their part of the results, and what measures them."""

    part: str
    measure: Callable[[Turn], list[dict]]


def jobs() -> list[Job]:
    """Return everything that is measured by drawing."""
    sizes = {name: scores.shape[1] for name, scores in real_runs().items()}
    groups = [(name, images) for name, size in sizes.items() for images in sorted({min(1_000, size), size})]
    return [
        *(Job("simulated", partial(simulated, setting)) for setting in settings()),
        *(Job("equal_real", partial(equal_real, name, images)) for name, images in groups),
        *(Job("different_real", partial(different_real, pair, images)) for pair in PAIRS for images in (1_000, 10_000)),
    ]


def drawn(repetitions: int, workers: int) -> dict[str, list[dict]]:
    """Return the rows of every job by its part; those outside the bounds hold under "again" what came out then."""
    found: dict[str, list[dict]] = {}
    todo = jobs()
    with ProcessPoolExecutor(workers) as pool:
        first = list(pool.map(_carry_out, todo, repeat(Turn(repetitions))))
        outside = [[row for row in rows if evidence_report.outside(row)] for rows in first]
        turns = [Turn(AGAIN * repetitions, " again", tuple(row["seeds"] for row in rows)) for rows in outside]
        doubtful = [(job, turn) for job, turn in zip(todo, turns, strict=True) if turn.seeds]
        second = pool.map(_carry_out, *zip(*doubtful, strict=True)) if doubtful else ()
        for row, again in zip(chain(*outside), chain(*second), strict=True):
            row["again"] = {key: again[key] for key in ("repetitions", *evidence_report.SHARES)}
    for job, rows in zip(todo, first, strict=True):
        found.setdefault(job.part, []).extend(rows)
    return found


def _carry_out(job: Job, turn: Turn) -> list[dict]:
    return job.measure(turn)


QUICK: dict[str, Callable[[], list[dict]]] = {
    "costs": costs,
    "integrated": integrated,
    "integrated_mean": integrated_mean,
    "bounds": bounds,
    "variances": variances,
    "power": powers,
}


def main() -> None:
    """Measure everything, write the results and the tables, and fail where a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=1_500)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", choices=QUICK, help="measure this part alone, and keep the results of all others")
    given = parser.parse_args()
    kept = HERE / "evidence.json"
    if given.only:
        results = {**json.loads(kept.read_text()), given.only: QUICK[given.only]()}
    else:
        results = {
            "versions": {"bakeoff": bakeoff.__version__, "numpy": np.__version__, "scipy": scipy.__version__}
            | {"python": platform.python_version()},
            **drawn(given.repetitions, given.jobs),
            **{name: measure() for name, measure in QUICK.items()},
        }
    kept.write_text(json.dumps(results, indent=1) + "\n")
    results = json.loads(kept.read_text())
    evidence_report.write(results, HERE.parent / "docs" / "evidence.md")
    if missed := evidence_report.missed(results):
        raise SystemExit("\n".join(["bounds missed:", *missed]))


if __name__ == "__main__":
    main()
