"""Files that are damaged, or made to do harm: one sentence, and nothing is run, read elsewhere or filled up."""

import os
import pickle
import signal
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from bakeoff.errors import ModelError
from bakeoff.models import networks
from bakeoff.models.expectation import Expectation
from bakeoff.models.foreign_weights import expected_in
from bakeoff.models.keras_files import read_keras, save_keras_weights
from bakeoff.models.keras_weights import KerasWeights
from bakeoff.models.state_dicts import StateDict, read_state_dict


def read(path: Path) -> KerasWeights | StateDict:
    return read_keras(path) if path.name.endswith((".h5", ".keras")) else read_state_dict(path)


class Harm:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, ("harmed",)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("wrap", [lambda harm: harm, lambda harm: {"state_dict": {}, "extra": harm}])
def test_a_pickle_that_would_run_code_is_refused(wrap, zipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(wrap(Harm()), "evil.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(ModelError, match=r"it would call (posix|nt|os)\.mkdir when loaded, .* refused; save only the"):
        read(Path("evil.pth"))
    Path("plain.bin").write_bytes(pickle.dumps(Harm()))  # of a newer protocol, which torch warns of and does not read
    with pytest.raises(ModelError, match="pickled in a way that could run any code, and is refused; save the weights"):
        read(Path("plain.bin"))
    assert not Path("harmed").exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ([1, 2], "it holds no weights by name; save model.state_dict()"),
        ({}, "it holds no weights by name"),
        ({"weight": torch.zeros(1), "epoch": 3}, "it holds no weights by name"),
        (torch.zeros(3), "it holds no weights by name"),
    ],
)
def test_files_of_torch_without_weights(content, sentence, tmp_path):
    torch.save(content, tmp_path / "odd.pth")
    with pytest.raises(ModelError, match=sentence):
        read(tmp_path / "odd.pth")


def test_a_zip_bomb_of_torch_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(50_000_000))
    with pytest.raises(ModelError, match="it unpacks to 50,000,000 bytes, which no real weights do"):
        read(tmp_path / "bomb.pth")


def keras_archive(path: Path, name: str, content: bytes, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("../../escaped", b"out")
        archive.writestr(name, content)
    return path


def test_archives_of_keras(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    bomb = keras_archive(inside / "bomb.keras", "model.weights.h5", bytes(50_000_000), zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelError, match=r"model.weights.h5 in it unpacks to 50,000,000 bytes, which no real weights"):
        read(bomb)
    with pytest.raises(ModelError, match=r"it has no model.weights.h5 in it; save it with model.save\(\)"):
        read(keras_archive(inside / "other.keras", "../model.weights.h5", b""))
    with pytest.raises(ModelError, match="it is no HDF5 file, or a damaged one"):
        read(keras_archive(inside / "text.keras", "model.weights.h5", b"text"))
    (inside / "text.keras").write_bytes(b"text")
    with pytest.raises(ModelError, match="it is no archive of Keras, or a damaged one"):
        read(inside / "text.keras")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["bomb.keras", "inside", "other.keras", "text.keras"]


def test_an_archive_of_keras_whose_packing_is_damaged(tmp_path):
    path = keras_archive(tmp_path / "a.keras", "model.weights.h5", bytes(range(256)), zipfile.ZIP_LZMA)
    content = bytearray(path.read_bytes())
    place = content.index(b"model.weights.h5") + 16
    content[place + 4 : place + 40] = b"\xff" * 36
    path.write_bytes(content)
    with pytest.raises(ModelError, match="it is no archive of Keras, or a damaged one"):
        read(path)


def with_kernel(path: Path, put: Callable[[h5py.Group], Any]) -> Path:
    with h5py.File(path, "w") as file:
        put(file.create_group("layers/dense/vars"))
    return path


def compressed_zeros(variables: h5py.Group) -> None:
    variables.create_dataset("0", (20_000, 20_000), "f4", compression="gzip", chunks=(2_000, 2_000), fillvalue=0)


def endless(variables: h5py.Group) -> None:
    variables.parent["again"] = variables.parent


def of_two_files(variables: h5py.Group) -> None:
    layout = h5py.VirtualLayout((2,), "f4")
    layout[:] = h5py.VirtualSource("secret.h5", "data", (2,))
    variables.create_virtual_dataset("0", layout)


@pytest.mark.parametrize(
    ("put", "sentence"),
    [
        (lambda variables: variables.__setitem__("0", h5py.ExternalLink("secret.h5", "/data")), "link that is not"),
        (lambda variables: variables.__setitem__("0", h5py.SoftLink("/elsewhere")), "link that is not followed"),
        (
            lambda variables: variables.create_dataset("0", (2,), "f4", external=[("secret", 0, 8)]),
            "kept in other file",
        ),
        (of_two_files, "is kept in other files"),
        (compressed_zeros, "it declares arrays far larger than itself"),
        (lambda variables: variables.create_dataset("0", (10**10,), "f4"), "it declares arrays far larger than itself"),
        (endless, "it has groups within each other without end"),
        (lambda variables: variables.__setitem__("0", "text"), "does not hold numbers"),
        (lambda variables: variables.create_group("0"), "does not hold numbers"),
        (lambda variables: None, "it holds no weights of layers; save it with save_weights"),
    ],
)
def test_files_of_hdf5_that_lead_elsewhere_or_fill_the_memory(put, sentence, tmp_path):
    with pytest.raises(ModelError, match=sentence):
        read(with_kernel(tmp_path / "bad.weights.h5", put))


def test_a_heap_of_strings_without_end_is_refused_before_hdf5_goes_round_in_it(tmp_path):
    path = tmp_path / "a.weights.h5"
    save_keras_weights(torch.nn.Sequential(torch.nn.Linear(2, 2)), path)
    content = bytearray(path.read_bytes())
    first = content.index(b"GCOL") + 16
    content[first : first + 16] = bytes(16)  # a free piece of no length, where the first string was
    path.write_bytes(content)
    signal.alarm(60)  # which ends the process, as nothing else would
    with pytest.raises(ModelError, match="a heap of strings in it has no end"):
        read_keras(path)
    signal.alarm(0)


def test_any_order_of_bytes_and_precision(tmp_path):
    for kind in (">f4", "<f8", "f2", ">i2"):
        path = with_kernel(
            tmp_path / "odd.weights.h5", lambda v, kind=kind: v.create_dataset("0", data=[1, 2], dtype=kind)
        )
        kernel = read(path).layers["dense"]["0"]
        assert kernel.dtype == np.float32
        assert kernel.tolist() == [1, 2]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the content of a good file of every kind."""
    folder = tmp_path_factory.mktemp("good")
    model = networks.get("lenet5").build(2, 1, 28)
    save_file(model.state_dict(), folder / "a.safetensors")
    torch.save(model.state_dict(), folder / "a.pth")
    save_keras_weights(model, folder / "a.weights.h5")
    keras_archive(folder / "a.keras", "model.weights.h5", (folder / "a.weights.h5").read_bytes())
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["a.safetensors", "a.pth", "a.weights.h5", "a.keras"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_a_sentence_or_harmless(name, good, tmp_path, data):
    content = bytearray(good[name])
    if data.draw(st.booleans(), label="truncated"):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        header = data.draw(st.sampled_from([200, 3_000, len(content)]))  # most bytes are weights, which may be any
        for _ in range(data.draw(st.integers(1, 5))):
            content[data.draw(st.integers(0, header - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / name
    path.write_bytes(content)
    sentence = ""
    try:
        read(path)
    except ModelError as error:
        sentence = str(error)
    assert "\n" not in sentence


def test_a_truncated_file_is_refused(good, tmp_path):
    for name, content in good.items():
        (tmp_path / name).write_bytes(content[: len(content) // 2])
        with pytest.raises(ModelError, match="damaged"):
            read(tmp_path / name)


def test_our_files_for_keras_need_its_ending(tmp_path):
    with pytest.raises(ModelError, match=r"Keras reads weights from files whose name ends in \.weights\.h5"):
        save_keras_weights(networks.get("lenet5").build(2, 1, 28), tmp_path / "mine.h5")
    assert not list(tmp_path.iterdir())


def test_a_file_with_two_models_is_refused(tmp_path):
    with h5py.File(tmp_path / "two.h5", "w") as file:
        for model in ("first", "second"):
            variables = file.create_group(f"layers/{model}/layers/dense/vars")
            variables.attrs["name"] = "same"
            variables["0"] = np.zeros(2)
    with pytest.raises(ModelError, match="it has two layers 'same'; give the weights of one network"):
        read(tmp_path / "two.h5")


@pytest.mark.parametrize("told", ["100000 unit", f"{'9' * 5000} unit", "0 unit", "32 nonsense", "32", ""])
def test_weights_may_tell_of_no_input_that_no_network_has(told: str):
    assert Expectation.from_metadata({"input": told}) is None


@pytest.mark.parametrize("size", ["[3, 9, 1e999]", "[3, 9, 100000]", "[]", "[" * 100_000])
def test_a_repository_may_tell_of_no_input_that_no_network_has(tmp_path, size: str):
    (path := tmp_path / "config.json").write_text(f'{{"mean": [0, 0, 0], "std": [1, 1, 1], "input_size": {size}}}')
    assert expected_in(path) is None
    path.write_text('{"mean": [0, 0, 0], "std": [1, 1, 1], "input_size": [3, 32, 32]}')
    assert expected_in(path) == Expectation(32, "unit")
