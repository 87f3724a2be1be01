"""Which checkpoint a run goes on from, by files alone."""

import errno
import os
from pathlib import Path

import pytest
import torch

from bakeoff.errors import StoreError
from bakeoff.training.checkpoint import Checkpoints


def saved(folder: Path, *numbers: int, run_id: str = "ours") -> Path:
    checkpoints = Checkpoints(folder, run_id)
    for number in numbers:
        checkpoints.save(number, {"weight": torch.full((3,), float(number))}, {"number": number})
    return folder


def chosen(folder: Path) -> tuple[int | None, list[str]]:
    checkpoints = Checkpoints(folder, "ours")
    found = checkpoints.load()
    return (found and found[1]["number"]), checkpoints.notes


@pytest.mark.parametrize("suffix", ["json", "safetensors"])
def test_half_a_checkpoint_is_passed_over_and_told(tmp_path: Path, suffix: str):
    saved(tmp_path, 3, 7)
    (tmp_path / f"{7:012d}.{suffix}").unlink()
    note = f"checkpoint 7 is not whole ({7:012d}.{suffix} is missing); training goes on from checkpoint 3"
    assert chosen(tmp_path) == (3, [note])


def test_any_single_bit_of_the_newest_description_costs_no_more_than_that_one(tmp_path: Path):
    path = saved(tmp_path, 3, 7) / f"{7:012d}.json"
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        number, notes = chosen(tmp_path)
        assert (number, len(notes)) == (3, 1), content[place:]


def test_a_last_digit_that_changes_no_number_is_damage_too(tmp_path: Path):
    checkpoints = Checkpoints(tmp_path, "ours")
    for number in (3, 7):
        checkpoints.save(number, {"weight": torch.zeros(3)}, {"number": number, "share": 0.30000000000000004})
    path = tmp_path / f"{7:012d}.json"
    path.write_bytes(path.read_bytes().replace(b"0.30000000000000004", b"0.30000000000000005"))
    number, notes = chosen(tmp_path)
    assert (number, len(notes)) == (3, 1)


def test_a_damaged_older_one_is_no_matter(tmp_path: Path):
    saved(tmp_path, 3, 7)
    (tmp_path / f"{3:012d}.json").write_bytes(b"{")
    assert chosen(tmp_path) == (7, [])


def test_the_whole_one_of_another_run_is_refused_and_stays(tmp_path: Path):
    saved(tmp_path, 3, run_id="theirs")
    with pytest.raises(StoreError, match="of run theirs, not ours"):
        chosen(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_files_of_other_names_are_no_checkpoints(tmp_path: Path):
    saved(tmp_path, 3)
    (tmp_path / "notes.json").write_text('{"run_id": "ours"}')
    assert chosen(tmp_path) == (3, [])


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EACCES, errno.EIO])
def test_what_cannot_be_opened_now_is_not_given_up_for_lost(tmp_path: Path, monkeypatch, number: int):
    saved(tmp_path, 3, 7)
    read = Path.read_bytes

    def failing(path: Path) -> bytes:
        if path.name == f"{7:012d}.safetensors":
            raise OSError(number, os.strerror(number))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", failing)
    if number == errno.EIO:  # the disk has lost it
        assert chosen(tmp_path)[0] == 3
        return
    with pytest.raises(StoreError, match="checkpoint 7 cannot be read .*; mend that and give --retry-failed"):
        chosen(tmp_path)
    assert len(list(tmp_path.iterdir())) == 4
