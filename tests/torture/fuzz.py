"""Files of every format that is read, changed at random by the thousand.

    python tests/torture/fuzz.py FOLDER MUTATIONS SEED

Children read them, with a limit of memory and of time, so that a crash, a hang or a blow-up is one failure and not the
end. Prints JSON: how many files of each format were read, and which ended in anything but success or a `BakeoffError`.
"""

import json
import os
import random
import resource
import shutil
import signal
import sys
import warnings
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import small_study
import torch
from PIL import Image
from safetensors.torch import save_file

from bakeoff.data.locations import Locations
from bakeoff.data.parquet import parquet_listing
from bakeoff.data.pixels import EncodedPixels
from bakeoff.data.sources.npz import from_npz
from bakeoff.errors import BakeoffError
from bakeoff.models.keras_files import read_keras, save_keras_weights
from bakeoff.models.state_dicts import read_state_dict
from bakeoff.result import load
from bakeoff.specs.data import DataSpec
from bakeoff.specs.files import read_study
from bakeoff.store.arrays import Extent
from bakeoff.store.database import Store
from bakeoff.store.folder import RunFolder, StudyFolder

MEMORY = 3 << 30  # addresses more than the process has before it reads anything; the files have a few KB
BLOWN = 1 << 30  # bytes in memory for one file, whatever is said of it in the end
SECONDS = 60  # for one file, on a machine that is busy with other things too
AT_ONCE = 200  # files for each child
WHOLE = "all of a study with "
SLOWER = 40  # times, roughly: a report is written each time
STUDY = """\
data: digits
models: [lenet5, {name: simcnn, freeze: stem, head: [8, 16]}]
recipes: [{name: quick, epochs: 2, optimizer: {name: adam, lr: 0.001}, augment: [flip, {shift: 2}]}, default]
protocol: {mode: same-recipe, val_fraction: 0.2}
seeds: [0, 1]
grid: {recipe.optimizer.lr: [0.1, 0.01]}
"""


def main(folder: Path, mutations: int, seed: int) -> dict[str, dict[str, list[str] | int]]:
    """Read mutations of a good file of each format."""
    goods = make(folder)
    found: dict[str, dict[str, list[str] | int]] = {}
    for (name, (path, read)), share in zip(goods.items(), shares(list(goods), mutations), strict=True):
        failures: list[str] = []
        done = 0
        read(path)  # the good file is good
        while done < share:
            end = min(share, done + AT_ONCE)
            done, failed = in_a_child(path, read, range(done, end), f"{seed} {name}")
            failures += failed
        found[name] = {"cases": share, "failures": failures}
    return found


def shares(names: list[str], mutations: int) -> list[int]:
    """Return how many mutations of each file are read, so many in all: few of what is slow, else equally many."""
    few = 1 + mutations // (SLOWER * len(names))
    alone = [name for name in names if not name.startswith(WHOLE)]
    share, left = divmod(mutations - few * (len(names) - len(alone)), len(alone))
    return [few if name.startswith(WHOLE) else share + (alone.index(name) < left) for name in names]


def make(folder: Path) -> dict[str, tuple[Path, Callable[[Path], object]]]:
    """Write a good file of each format; return it with what reads it."""
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.Flatten(), torch.nn.Linear(16, 2))
    save_file(network.state_dict(), folder / "a.safetensors")
    torch.save(network.state_dict(), folder / "a.pth")
    save_keras_weights(network, folder / "a.weights.h5")
    with zipfile.ZipFile(folder / "a.keras", "w") as archive:
        archive.write(folder / "a.weights.h5", "model.weights.h5")
    pixels = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)
    np.savez(folder / "a.npz", x_train=pixels, y_train=np.arange(20) % 2, class_names=np.array(["a", "b"]))
    np.savez_compressed(folder / "b.npz", x_train=pixels, y_train=np.arange(20) % 2)
    for kind in ("png", "jpg", "webp", "tiff", "gif", "bmp"):
        Image.fromarray(pixels[0]).save(folder / f"a.{kind}")
    images = [{"bytes": (folder / "a.png").read_bytes(), "path": None} for _ in range(20)]
    pq.write_table(pa.table({"image": images, "label": [0, 1] * 10}), folder / "a.parquet")
    (folder / "a.yaml").write_text(STUDY)
    weights = {folder / name: read_state_dict for name in ("a.safetensors", "a.pth")}
    keras = {folder / name: read_keras for name in ("a.weights.h5", "a.keras")}
    arrays = {folder / name: _npz for name in ("a.npz", "b.npz")}
    photos = {folder / f"a.{kind}": _image for kind in ("png", "jpg", "webp", "tiff", "gif", "bmp")}
    others: dict[Path, Callable[[Path], object]] = {
        folder / "a.parquet": _parquet,
        folder / "a.yaml": lambda path: read_study(path, {}),
    }
    files = {path.name: (path, read) for path, read in {**weights, **keras, **arrays, **photos, **others}.items()}
    return files | _of_a_study(small_study.write(folder))


def _of_a_study(study: Path) -> dict[str, tuple[Path, Callable[[Path], object]]]:
    """Return what reads a file of a study by itself, and what reads all of the study."""
    run, extent = sorted(study.glob("runs/*"))[0], Extent(60, 2)
    alone: dict[Path, Callable[[Path], object]] = {
        study / "study.json": lambda path: StudyFolder(path.parent).read(),
        study / "bakeoff.db": _database,
        run / "logits.safetensors": lambda path: RunFolder(path.parent).predictions("test", extent),
        run / "gradcam.safetensors": lambda path: RunFolder(path.parent).maps(extent),
    }
    of_all = {f"{WHOLE}{path.name}": (path, partial(_whole, study, path.relative_to(study))) for path in alone}
    return {path.name: (path, read) for path, read in alone.items()} | of_all


def _database(path: Path) -> None:
    for left in path.parent.glob(f"{path.name}-*"):  # by SQLite, of the file before
        left.unlink()
    store = Store(f"sqlite:///{path}", "0123456789abcdef")
    try:
        store.records(), store.events(), store.workers()
    finally:
        store.close()


def _whole(study: Path, changed: Path, path: Path) -> None:
    """Read a study of which one file is another, in every way in which it is read."""
    copy = study.with_name(f"copy-{os.getpid()}")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(study, copy, ignore=shutil.ignore_patterns("mutated-*"))
    shutil.copy(path, copy / changed)
    result = load(copy)
    result.leaderboard()
    str(result)
    for kind in ("html", "md", "json", "tex"):
        result.report(format=kind)


def _npz(path: Path) -> None:
    for _ in from_npz(DataSpec(name=str(path)), Locations(cache=path.parent, offline=True)).pixels.read():
        pass


def _parquet(path: Path) -> None:
    for _ in parquet_listing({"train": [path]}, DataSpec(name="x"), {}).pixels.read():
        pass


def _image(path: Path) -> None:
    from bakeoff.data.decode import Blob

    for _ in EncodedPixels([Blob("x", path.read_bytes())], DataSpec(name="x")).read():
        pass


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Return content with a few bytes changed, a piece cut out, repeated or put elsewhere, or without its end."""
    changed = bytearray(content)
    size = len(changed)
    # Headers and footers are where a change does most.
    edge = rng.choice((64, 512, 4096, size))
    places = [rng.randrange(min(edge, size)) for _ in range(rng.randint(1, 6))]
    places = [size - 1 - place if rng.random() < 0.4 else place for place in places]
    match rng.randrange(6):
        case 0 | 1:
            for place in places:
                changed[place] = rng.randrange(256)
        case 2:
            for place in places:
                changed[place] = rng.choice((0, 0x7F, 0x80, 0xFF, 0x30, 0x39, 0x22, 0x2D, changed[place] ^ 1))
        case 3:
            number = rng.choice((0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)).to_bytes(8, "little")
            changed[places[0] : places[0] + 8] = number[: rng.choice((4, 8))]
        case 4:
            del changed[places[0] : places[0] + rng.choice((1, 8, size))]
        case 5:
            piece = changed[places[0] : places[0] + rng.randint(1, 200)]
            changed[places[-1] : places[-1]] = piece * rng.choice((1, 1, 50))
    return bytes(changed)


def in_a_child(good: Path, read: Callable[[Path], object], numbers: range, seed: str) -> tuple[int, list[str]]:
    """Read mutations of those numbers; return how far it came, and what failed."""
    receive, send = os.pipe()
    if child := os.fork():
        os.close(send)
        with os.fdopen(receive) as lines:
            told = lines.read().splitlines()
        _, status = os.waitpid(child, 0)
        last = int(told[-1].partition(" ")[0]) if told else numbers.start
        failures = [line for line in told if " " in line]
        if status:  # whether it was killed or left: the files after the last it told of were not read
            signalled = os.WIFSIGNALED(status)
            how = signal.Signals(os.WTERMSIG(status)).name if signalled else f"exit status {os.WEXITSTATUS(status)}"
            failures.append(f"{last} ended by {how}")
            return last + 1, failures
        return numbers.stop, failures
    resource.setrlimit(resource.RLIMIT_AS, (_size() + MEMORY,) * 2)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    warnings.simplefilter("ignore")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    folder = good.parent / f"mutated-{os.getpid()}"
    folder.mkdir()
    for number in numbers:
        os.write(send, f"{number}\n".encode())
        (folder / good.name).write_bytes(mutated(good.read_bytes(), random.Random(f"{seed} {number}")))
        before = _peak()
        signal.alarm(SECONDS)
        try:
            read(folder / good.name)
        except BakeoffError:
            pass
        except BaseException as error:
            os.write(send, f"{number} {type(error).__name__}: {str(error)[:150]!r}\n".encode())
        signal.alarm(0)
        if (took := _peak() - before) > BLOWN:
            os.write(send, f"{number} took {took >> 20} MB of memory\n".encode())
    shutil.rmtree(folder)
    os._exit(0)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _size() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
