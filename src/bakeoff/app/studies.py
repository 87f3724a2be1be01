"""Studies as they are at this moment: read again whenever their files have changed, and never written to."""

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bakeoff.app.places import STUDIES, Place, find_places, inside
from bakeoff.app.standing import Standing, abandoned, standing
from bakeoff.errors import StoreError
from bakeoff.records.run import RunRecord, RunState
from bakeoff.report.answers import TestAnswers, collect, judged
from bakeoff.report.subject import Subject
from bakeoff.store.arrays import Extent
from bakeoff.store.database import Store
from bakeoff.store.folder import STUDY_FILE, Maps, Predictions, RunFolder, StudyFolder
from bakeoff.study.confirm import FILE, FOLDER, Confirmed, read_confirmed
from bakeoff.study.judgement import Judgement

DATABASE = "bakeoff.db"
KEPT = STUDIES  # readings in memory; they hold records and answers, and no images
IMAGES = 8  # data sets, which are mapped
FRESH = 2.0  # seconds for which the list of folders is believed


@dataclass(frozen=True)
class Reading:
    """A study as it was when it was read.

    Attributes:
        place: its folder.
        root: the folder that is shown, which nothing leaves.
        stamp: of its files; another one means that it has changed.
        subject: its content, without images.
        workers: who trains which run.
    """

    place: Place
    root: Path
    stamp: Hashable
    subject: Subject
    workers: Mapping[str, str]

    @cached_property
    def test(self) -> TestAnswers:
        """What the finished runs said of every test image."""
        return collect(self.subject)

    @cached_property
    def judgement(self) -> Judgement:
        """What that proves."""
        return judged(self.subject, self.test)

    @property
    def abandoned(self) -> frozenset[str]:
        """The runs that count as running and are not."""
        return abandoned(self.workers)

    @property
    def standing(self) -> Standing:
        """Where the study stands at this moment."""
        return standing(self.subject.records, self.subject.events, self.abandoned)

    def run(self, run_id: str) -> RunRecord:
        """Return a run by its identity; raise `StoreError` where there is none."""
        for record in self.subject.records:
            if record.run_id == run_id:
                return record
        raise StoreError("there is no such run in this study; it may have been started anew")

    def run_folder(self, record: RunRecord) -> RunFolder:
        """Return the folder of a run; raise `StoreError` where it is a link out of the folder that is shown."""
        folder = StudyFolder(self.place.folder).run(record.spec, record.run_id)
        inside(self.root, folder.path)
        return folder

    def finished(self, run_id: str) -> RunRecord:
        """Return a finished run; raise `StoreError` where it is not."""
        record = self.run(run_id)
        if record.state is not RunState.FINISHED:
            raise StoreError(f"this run is {record.state}, so that there are no predictions of it yet")
        return record


class Studies:
    """The studies below a folder, for several threads.

    Args:
        root: the folder. Nothing outside it is read, but for the images of a data set.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._lock = threading.Lock()
        self._places: dict[str, Place] = {}
        self._looked = float("-inf")
        self._read: OrderedDict[str, Reading] = OrderedDict()
        self._images: OrderedDict[str, Subject] = OrderedDict()

    def places(self) -> list[Place]:
        """Return where studies are, the nearest first."""
        with self._lock:
            if time.monotonic() - self._looked > FRESH:
                self._places = {place.key: place for place in find_places(self.root)}
                self._looked = time.monotonic()
            return list(self._places.values())

    def place(self, key: str) -> Place:
        """Return the folder of a key; raise `StoreError` where there is none."""
        for place in self.places():
            if place.key == key:
                return place
        raise StoreError("there is no such study here; it may have been moved or removed")

    def stamp(self, place: Place) -> Hashable:
        """Return what changes whenever something is written to a study."""
        return tuple(_stat(place.folder / name) for name in (STUDY_FILE, DATABASE, f"{DATABASE}-wal"))

    def changed(self, place: Place) -> float:
        """Return when something was last written to a study, in seconds since 1970; 0 where that is not known."""
        times = [_stat(place.folder / name)[0] for name in (DATABASE, f"{DATABASE}-wal")]
        return max(times) / 1e9

    def remembered(self, place: Place) -> Reading | None:
        """Return a study that was read and has not changed since; None for others."""
        stamp = self.stamp(place)
        with self._lock:
            known = self._read.get(place.key)
        return known if known and known.stamp == stamp else None

    def reading(self, key: str) -> Reading:
        """Return a study as it is; raise `StoreError` where it cannot be read."""
        place = self.place(key)
        stamp = self.stamp(place)
        known = self.remembered(place) or Reading(place, self.root, stamp, *self._read_anew(place))
        with self._lock:
            self._read[key] = known
            self._read.move_to_end(key)
            while len(self._read) > KEPT:
                self._read.popitem(last=False)
        return known

    def with_images(self, reading: Reading) -> Subject:
        """Return the study with its images, where they are at hand."""
        key = f"{reading.place.key} {reading.subject.about['data']['fingerprint']}"
        with self._lock:
            known = self._images.get(key)
        if known is None:
            known = reading.subject.with_images()
            with self._lock:
                if known.images is not None:
                    self._images[key] = known
                while len(self._images) > IMAGES:
                    self._images.popitem(last=False)
        return replace(reading.subject, images=known.images, why_no_images=known.why_no_images)

    def _read_anew(self, place: Place) -> tuple[Subject, Mapping[str, str]]:
        try:
            return self._content(place)
        except StoreError as error:
            raise StoreError(re.sub(r"'?sqlite:///\S*?uri=true'?", DATABASE, str(error))) from None

    def _content(self, place: Place) -> tuple[Subject, Mapping[str, str]]:
        """Return a study, and who trains which run of it."""
        about = self._about(place)
        store = Store(read_only(inside(self.root, place.folder / DATABASE)), about["study_id"])
        try:
            records, events, workers = tuple(store.records()), tuple(store.events()), store.workers()
        finally:
            store.close()

        extent = Extent.of(about)

        def predictions(record: RunRecord, part: str) -> Predictions:
            folder = StudyFolder(place.folder).run(record.spec, record.run_id)
            inside(self.root, folder.path / "logits.safetensors")
            return folder.predictions(part, extent)

        def maps(record: RunRecord) -> Maps:
            folder = StudyFolder(place.folder).run(record.spec, record.run_id)
            inside(self.root, folder.path / "gradcam.safetensors")
            return folder.maps(extent)

        return Subject(about, records, events, predictions, maps, self._confirmed(place, records)), workers

    def _confirmed(self, place: Place, records: Iterable[RunRecord]) -> tuple[Confirmed, ...]:
        for path in (place.folder / FILE, place.folder / FOLDER / FILE):
            inside(self.root, path)
        return read_confirmed(place.folder, records)

    def _about(self, place: Place) -> dict[str, Any]:
        inside(self.root, place.folder / STUDY_FILE)
        about = StudyFolder(place.folder).read()
        if about.get("database"):
            raise StoreError("its runs are in a database of its own address; only those in the folder itself are shown")
        return about


def read_only(database: Path) -> str:
    """Return the URL under which SQLite opens a database without ever writing to it.

    Where nobody has it open, it is opened as immutable: as a reader in WAL mode SQLite would leave files beside it.

    Raises:
        StoreError: there is no database.
    """
    if not database.is_file():
        raise StoreError(f"there is no {DATABASE} in it, in which runs are recorded")
    alone = not database.with_name(f"{DATABASE}-wal").exists()
    return f"sqlite:///file:{quote(str(database))}?{'immutable=1' if alone else 'mode=ro'}&uri=true"


def _stat(path: Path) -> tuple[int, int]:
    """Return time and size of a file; zeros where there is none."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
