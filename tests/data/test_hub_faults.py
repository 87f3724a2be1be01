"""Faults between the hub and us: bytes that change on the way, redirections, refusals and broken connections."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from test_sources_hub import client, hub  # noqa: F401, fixtures

from hub_server import Hub

LABELS = [0, 1] * 8


def parquet() -> bytes:
    """Return a file of 16 images in which the labels lie as they are."""
    images = []
    for shade in range(16):
        image = io.BytesIO()
        Image.fromarray(np.full((8, 8), 10 * shade, np.uint8)).save(image, "PNG")
        images.append({"bytes": image.getvalue(), "path": None})
    content = io.BytesIO()
    table = pa.table({"image": images, "label": pa.array(LABELS, pa.int64())})
    pq.write_table(table, content, compression="none", use_dictionary=False, write_statistics=False)
    return content.getvalue()


def test_a_bit_that_changed_on_the_way_is_never_used(hub: Hub, client: Any, tmp_path: Path):  # noqa: F811
    good, name = parquet(), "train-00000-of-00001.parquet"
    place = good.index(np.array(LABELS, np.int64).tobytes())
    hub.repos["some/animals"] = {name: good}
    hub.replaced = {name: good[:place] + b"\x01" + good[place + 1 :]}
    first, again = client("some/animals", "some/animals")
    for refused in (first, again):  # also once it lies in the client's cache
        assert refused["error"] == "DataError"
        assert "so that it is damaged; it is not used, remove it and fetch it again" in refused["message"]
    Path(first["message"].partition(":")[0]).unlink()
    hub.replaced = {}
    (mended,) = client("some/animals")
    assert mended["labels"] == LABELS


def test_every_fault_of_a_download_is_survived_or_one_sentence(hub: Hub, client: Any):  # noqa: F811
    good = parquet()
    faults = ("redirected", "busy", "failing", "cut")
    for fault in faults:
        hub.repos[f"some/{fault}"] = {f"train-{fault}.parquet": good}
    hub.redirected = {f"train-{fault}.parquet" for fault in ("redirected", "cut")}
    hub.refused = {"train-busy.parquet": [429], "train-failing.parquet": [503]}
    hub.cut = {"train-cut.parquet": len(good) // 3}
    answers = dict(zip(faults, client(*(f"some/{fault}" for fault in faults)), strict=True))
    for fault in ("redirected", "cut"):
        assert answers[fault].get("labels") == LABELS, answers[fault]
    ((name, wanted),) = hub.ranges
    assert name == "train-cut.parquet"
    assert 0 < int(wanted.removeprefix("bytes=").removesuffix("-")) <= len(good) // 3, "it went on where it was cut off"
    for fault, answer in answers.items():
        assert answer.get("labels") == LABELS or answer["error"] == "OfflineError", (fault, answer)
    again = client(*(f"some/{fault}" for fault in faults))
    assert [answer.get("labels") for answer in again] == [LABELS] * len(faults), again


def test_a_token_is_told_to_the_hub_and_not_to_where_it_sends_us(hub: Hub, client: Any):  # noqa: F811
    hub.repos["some/animals"] = {"train-0.parquet": parquet()}
    hub.redirected = {"train-0.parquet"}
    (answer,) = client("some/animals", HF_TOKEN="hf_secret")
    assert answer["labels"] == LABELS
    assert "Bearer hf_secret" in {token for path, token in hub.tokens if "/elsewhere/" not in path}
    assert {token for path, token in hub.tokens if "/elsewhere/" in path} == {""}


def test_a_hub_that_is_busy_is_asked_again_and_given_up_in_the_end(hub: Hub, client: Any):  # noqa: F811
    hub.repos["some/animals"] = {"train-0.parquet": parquet()}
    hub.refused = {"": [429, 503, 500]}
    (patient,) = client("some/animals")
    assert patient["labels"] == LABELS
    assert patient["waited"] == [7, 7, 7], "as Retry-After wants it"
    hub.repos["some/plants"] = {"train-0.parquet": parquet()}
    hub.refused = {"": [503] * 50}
    (gone,) = client("some/plants")
    assert gone["error"] == "OfflineError"
    assert "some/plants is not on this machine" in gone["message"]
    assert "could not be downloaded in 5 attempts (" in gone["message"]
    assert gone["waited"] == [7, 7, 7, 8]
