"""Files of weights in repositories of the Hugging Face hub: the user's copy, the hub client's cache, or a download.

Everything about downloads is the client's: its cache, `HF_ENDPOINT`, `HF_TOKEN`, `HF_HUB_OFFLINE`, resuming, timeouts.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Self, TypeVar

from bakeoff.errors import ModelError, OfflineError, SpecError
from bakeoff.hub import ask, checksum_on_hub, split_address
from bakeoff.models.downloads import Places, folders_of

T = TypeVar("T")

CONFIG = "config.json"  # of timm's repositories: architecture, and how images are prepared

_USUAL = ("model.safetensors", "pytorch_model.bin")
_SUFFIXES = ((".safetensors",), (".pth", ".pt", ".bin"), (".h5", ".keras"))  # the safest first


@dataclass(frozen=True)
class Repository:
    """A repository of a model: owner/name, and a branch, tag or commit."""

    name: str
    revision: str = "main"

    @classmethod
    def parse(cls, address: str) -> Self:
        """Return the repository `owner/name` or `owner/name@revision`.

        Raises:
            SpecError: it is not written so.
        """
        try:
            return cls(*split_address(address))
        except ValueError as error:
            raise SpecError(f"weights: 'hub:{address}' is no repository: {error}") from None

    @property
    def url(self) -> str:
        """The page of its files."""
        from huggingface_hub import constants

        return f"{constants.ENDPOINT}/{self.name}/tree/{self.revision}"


@dataclass(frozen=True)
class HubFile:
    """A file of weights on this machine.

    Attributes:
        path: where it is.
        config: the repository's `config.json`, where it has one.
        sha256: the checksum that the hub has of it; empty where that is not known.
        commit: what it is from; empty for the user's own copy.
    """

    path: Path
    config: Path | None
    sha256: str = ""
    commit: str = ""


def from_hub(repository: Repository, where: Places) -> HubFile:
    """Return a repository's file of weights.

    Raises:
        OfflineError: it is not here, and downloading is switched off or failed.
        ModelError: there is no such repository, or no single file of weights in it.
    """
    return _in_data_dir(repository, where) or _in_client_cache(repository) or _download(repository, where)


def _in_data_dir(repository: Repository, where: Places) -> HubFile | None:
    for folder in folders_of(where):
        for copy in (folder / repository.name, folder / repository.name.rpartition("/")[2]):
            if copy.is_dir() and (name := _weights_in(_files_in(copy), str(copy))):
                return HubFile(copy / name, _config_in(copy))
    return None


def _in_client_cache(repository: Repository) -> HubFile | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        snapshot = Path(
            snapshot_download(repository.name, revision=repository.revision, local_files_only=True, allow_patterns=[])
        )
    except LocalEntryNotFoundError:
        return None
    name = _weights_in(_files_in(snapshot), repository.url)
    return _cached(snapshot / name, snapshot) if name else None


def _download(repository: Repository, where: Places) -> HubFile:
    from huggingface_hub import HfApi, constants, hf_hub_download

    if where.offline or constants.HF_HUB_OFFLINE:
        raise OfflineError(_by_hand(repository, "downloading is switched off"))
    about = _ask(repository, partial(HfApi().model_info, repository.name, revision=repository.revision))
    files = [file.rfilename for file in about.siblings or []]
    name = _weights_in(files, repository.url)
    if not name:
        raise ModelError(f"{repository.url} has no file of weights; name a repository with model.safetensors in it")
    fetch = partial(hf_hub_download, repository.name, revision=repository.revision)
    wanted = [file for file in (name, CONFIG) if file in files]
    paths = [Path(_ask(repository, partial(fetch, file), name)) for file in wanted]
    return _cached(paths[0], paths[0].parents[len(PurePosixPath(name).parts) - 1])


def _cached(path: Path, snapshot: Path) -> HubFile:
    """Return a file in the client's cache."""
    return HubFile(path, _config_in(snapshot), checksum_on_hub(path), snapshot.name)


def _weights_in(files: Iterable[str], place: str) -> str:
    """Return the name of the one file of weights among others; nothing where there is none."""
    files = sorted(files)
    if usual := [name for name in _USUAL if name in files]:
        return usual[0]
    for suffixes in _SUFFIXES:
        found = [name for name in files if name.endswith(suffixes)]
        if len(found) > 1:
            raise ModelError(
                f"{place} has several files of weights: {', '.join(found[:5])}; download the one that you mean, and "
                "give its path"
            )
        if found:
            return found[0]
    return ""


def _files_in(folder: Path) -> list[str]:
    return [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]


def _config_in(folder: Path) -> Path | None:
    return folder / CONFIG if (folder / CONFIG).is_file() else None


def _ask(repository: Repository, call: Callable[[], T], file: str = "") -> T:
    missing = ModelError(
        f"there is no {repository.url}, or it may not be read from here; check the name and revision, or set "
        "HF_TOKEN where it is private or gated"
    )
    return ask(call, missing, lambda why: OfflineError(_by_hand(repository, why, file)))


def _by_hand(repository: Repository, why: str, file: str = "") -> str:
    files = f"{file or _USUAL[0]} (and {CONFIG}, where there is one)"
    return (
        f"{repository.name} is not on this machine and {why}; fetch {files} from {repository.url} by other means, put "
        f"it into DIR/{repository.name}/ and give --data-dir DIR"
    )
