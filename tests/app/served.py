"""The page over a folder, without a network, and how training writes into a study."""

import html
import io
import re
from pathlib import Path

import numpy as np
from PIL import Image
from starlette.testclient import TestClient

import bakeoff
from bakeoff.app.guard import Door
from bakeoff.app.web import make
from bakeoff.records.run import EpochRow
from bakeoff.specs.run import RunSpec
from bakeoff.store.database import Store

ADDRESS = "http://127.0.0.1:8000"
OURS = {"Origin": ADDRESS}


def over(root: Path, door: Door | None = None) -> TestClient:
    """Return a client of the page over a folder."""
    return TestClient(make(root, door or Door("127.0.0.1")), base_url=ADDRESS, raise_server_exceptions=False)


def text(page: str) -> str:
    """Return the words of a page, without tags."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


class Trainer:
    """Writes a run into a study's database as training does.

    Args:
        folder: of the study.
        seed: of the run, which is otherwise like the study's first one.
        worker: that is said to train it.
    """

    def __init__(self, folder: Path, seed: int, worker: str) -> None:
        result = bakeoff.load(folder)
        self.spec = RunSpec.parse({**result.runs[0].spec.content(), "seed": seed})
        self.store = Store(result.folder.database_url, result.about["study_id"])
        self.store.add([self.spec])
        self.claim = self.store.claim([self.spec.run_id], worker)

    def epoch(self, number: int, loss: float = 1.0) -> None:
        """Write an epoch."""
        self.store.epoch_ended(self.claim, EpochRow(number, 0.1, loss, 0.5, loss, 0.6, 1.0, 1000.0))
