"""An image of one's own: what every model says of it, and files that are no images, too large, or meant to harm."""

import re
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from served import OURS, over, png, text

import bakeoff
from bakeoff.app import answers as app_answers
from bakeoff.app import classifiers, uploads
from bakeoff.app.answers import answers, prepared
from bakeoff.app.classifiers import Classifiers
from bakeoff.app.studies import Studies


def bomb(side: int) -> bytes:
    """Return a small PNG file of side x side black pixels, made without holding them."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    row = bytes(1 + (side + 7) // 8)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.fixture
def small(trained, key):
    studies = Studies(trained)
    return studies, studies.reading(key(trained, "small"))


def test_networks_say_of_a_test_image_what_they_said_when_they_were_judged(small, trained):
    studies, reading = small
    images = studies.with_images(reading).images
    result = bakeoff.load(trained / "small")
    asked = Classifiers(studies)
    for run in result.runs:
        said = result.predictions(run)
        for row in range(3):
            image = prepared(reading, png(images.images[said.indices[row]][..., 0]))
            assert np.array_equal(image, images.images[said.indices[row]])
            shares = asked.ask(reading, run, image, time.monotonic() + 60)
            logits = said.logits[row].astype(np.float64)
            wanted = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
            assert shares == pytest.approx(wanted, abs=0.02)  # they were judged in bf16 where the processor has it
            assert shares.sum() == pytest.approx(1)


def test_every_finished_run_answers_with_its_five_likeliest_classes(client, trained, key):
    picture = png(np.random.default_rng(0).integers(0, 255, (300, 200, 4), np.uint8))
    answer = client.post(f"/studies/{key(trained, 'small')}/answers", content=picture, headers=OURS)
    assert answer.status_code == 200
    assert answer.text.count("<h2>") == 4
    assert answer.text.count("--share") == 20
    shares = [float(share) for share in re.findall(r"--share: ([\d.]+)%", answer.text)]
    assert all(shares[k : k + 5] == sorted(shares[k : k + 5], reverse=True) for k in range(0, 20, 5))
    assert "8 × 8 pixels, grey" in answer.text


def test_hostile_class_names_are_inert_in_answers(client, trained, key):
    path = f"/studies/{key(trained, '<b>hostile')}/answers"
    answer = client.post(path, content=png(np.zeros((9, 9, 3), np.uint8)), headers=OURS)
    assert answer.status_code == 200
    assert "<img src=x" not in answer.text
    assert "&lt;/script&gt;&lt;img src=x" in answer.text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"<html>", "not an image"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 50, "damaged"),
        (png(np.zeros((9, 9), np.uint8))[:45], "damaged"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "not an image of a known format"),
        (bomb(20_000), "more than 100 megapixels"),
    ],
)
def test_a_file_that_is_no_image_is_refused_in_a_sentence(client, trained, key, content: bytes, words: str):
    answer = client.post(f"/studies/{key(trained, 'small')}/answers", content=content, headers=OURS)
    assert answer.status_code == 422
    assert words in text(answer.text)
    assert "<nav" not in answer.text


@pytest.mark.parametrize("declared", [True, False])
def test_too_large_a_file_is_refused_before_it_is_read(client, trained, key, declared: bool):
    path, sent = f"/studies/{key(trained, 'small')}/answers", []

    def chunks():
        for _ in range(100):
            sent.append(1)
            yield bytes(1_000_000)

    headers = {**OURS, "Content-Length": "100000000"} if declared else OURS
    answer = client.post(path, content=chunks(), headers=headers)
    assert answer.status_code == 413
    assert "20 MB" in answer.text


def test_few_files_are_decoded_at_once(small, monkeypatch):
    """Each may take hundreds of megabytes, and pages are made in forty threads."""
    reading, decode, now, most = small[1], app_answers.decode, [], []

    def counted(*given, **named):
        now.append(1)
        most.append(len(now))
        time.sleep(0.02)
        now.pop()
        return decode(*given, **named)

    monkeypatch.setattr(app_answers, "decode", counted)
    picture = png(np.zeros((9, 9), np.uint8))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: prepared(reading, picture), range(8)))
    assert max(most) == 2


def test_a_file_that_does_not_arrive_is_given_up(monkeypatch):
    import anyio
    from starlette.exceptions import HTTPException
    from starlette.requests import Request

    monkeypatch.setattr(uploads, "SECONDS", 0.05)

    async def receive():
        await anyio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    with pytest.raises(HTTPException) as refused:
        anyio.run(uploads.received, Request({"type": "http", "headers": []}, receive))
    assert refused.value.status_code == 408


def test_when_time_is_up_the_others_are_named(small):
    studies, reading = small
    found = answers(Classifiers(studies), reading, np.zeros((8, 8, 1), np.uint8), -1, 5)
    assert len(found) == 4
    assert all("no time left" in one.reason for one in found)


def test_few_networks_are_kept(small, monkeypatch):
    studies, reading = small
    asked = Classifiers(studies)
    image = np.zeros((8, 8, 1), np.uint8)
    monkeypatch.setattr(classifiers, "MODELS", 2)
    assert not any(one.reason for one in answers(asked, reading, image, 60, 5))
    assert len(asked._kept) == 2
    monkeypatch.setattr(classifiers, "BYTES", 1)
    answers(asked, reading, image, 60, 5)
    assert len(asked._kept) == 1


@pytest.mark.parametrize("damage", ["gone", "cut", "other"])
def test_weights_that_are_damaged_are_named_and_the_others_answer(root, key, damage: str):
    result = bakeoff.load(root / "small")
    weights = [result.run_folder(run).weights for run in result.runs]
    if damage == "gone":
        weights[0].unlink()
    else:
        weights[0].write_bytes(weights[0].read_bytes()[:100] if damage == "cut" else weights[1].read_bytes())
    path = f"/studies/{key(root, 'small')}/answers"
    answer = over(root).post(path, content=png(np.zeros((8, 8), np.uint8)), headers=OURS)
    assert answer.status_code == 200
    assert text(answer.text).count("its weights") == 1
    assert answer.text.count("--share") == 15


def test_gray_images_are_repeated_where_the_network_was_trained_so(tmp_path, monkeypatch):
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    recipe = "{base: default, name: gray, epochs: 1, batch_size: 64, normalize: imagenet}"
    (tmp_path / "study.yaml").write_text(f"data: digits\nmodels: [lenet5]\nseeds: 1\nrecipes: [{recipe}]\n")
    result = bakeoff.compare(config=tmp_path / "study.yaml", offline=True, device="cpu", out=tmp_path / "gray")
    studies = Studies(tmp_path)
    reading = studies.reading(studies.places()[0].key)
    said, images = result.predictions(result.runs[0]), studies.with_images(reading).images
    image = prepared(reading, png(images.images[said.indices[0]][..., 0]))
    shares = Classifiers(studies).ask(reading, reading.subject.records[0], image, time.monotonic() + 60)
    assert shares.argmax() == said.logits[0].argmax()
