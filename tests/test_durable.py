"""What is said to be on the disk is there: content before its name, and the name before anything else."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bakeoff import durable
from bakeoff.data.entry import new_entry
from bakeoff.training.checkpoint import Checkpoints

Did = tuple[str, str]


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Did]:
    """What the disk was asked to do, in order: files and folders that were synced, and names that things were given."""
    did: list[Did] = []
    sync = os.fsync

    def synced(number: int) -> None:
        did.append(("sync", Path(f"/proc/self/fd/{number}").readlink().name))
        sync(number)

    def renaming(real: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
        def renamed(self: Path, target: Path) -> Path:
            did.append((f"rename {self.name}", target.name))
            return real(self, target)

        return renamed

    monkeypatch.setattr(os, "fsync", synced)
    for name in ("replace", "rename"):
        monkeypatch.setattr(Path, name, renaming(getattr(Path, name)))
    return did


def in_place(did: list[Did], name: str, folder: str) -> None:
    """Check that a file or folder was synced under another name, then named, and its folder synced at once."""
    (place,) = (number for number, (_, target) in enumerate(did) if target == name)
    before = did[place][0].removeprefix("rename ")
    assert ("sync", before) in did[:place], f"{name} has its name before its content is on the disk"
    assert did[place + 1 : place + 2] == [("sync", folder)], f"the name of {name} is not on the disk"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc, to tell files from their numbers")
def test_what_is_written_is_synced_before_its_name_and_its_name_after(disk: list[Did], tmp_path: Path):
    durable.write(tmp_path / "a.json", b"{}")
    in_place(disk, "a.json", tmp_path.name)
    disk.clear()
    Checkpoints(tmp_path / "checkpoints", "a run").save(7, {"weight": torch.ones(3)}, {})
    assert disk[0] == ("sync", tmp_path.name), "the folder's own name is on the disk before anything in it"
    for suffix in ("safetensors", "json"):
        in_place(disk, f"{7:012d}.{suffix}", "checkpoints")
    assert [name for done, name in disk if done != "sync"] == [f"{7:012d}.safetensors", f"{7:012d}.json"]
    disk.clear()
    with new_entry(tmp_path / "images" / "entry", is_good=lambda _: True) as folder:
        (folder / "images.u8").write_bytes(b"pixels")
    in_place(disk, "entry", "images")
    assert {("sync", "images.u8"), ("sync", "SHA256SUMS")} < set(disk)


def test_a_kill_between_the_two_files_of_a_save_leaves_the_only_one_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Of as many steps, as when an epoch is saved before it is judged and after."""
    checkpoints, write = Checkpoints(tmp_path, "a run"), durable.write
    checkpoints.save(7, {"weight": torch.ones(3)}, {"judged": False})

    def killed(path: Path, content: bytes) -> None:
        if path.suffix == ".json":
            raise KeyboardInterrupt
        write(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(durable, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            checkpoints.save(7, {"weight": torch.zeros(3)}, {"judged": True})
    for judged in (False, True):
        again = Checkpoints(tmp_path, "a run")
        found = again.load()
        assert found is not None
        assert (found[0]["weight"].tolist(), found[1]) == ([1.0 - judged] * 3, {"judged": judged})
        again.save(7, {"weight": torch.zeros(3)}, {"judged": True})
