"""Image data sets of the Hugging Face hub: from a folder of the user's, the hub client's cache, or a download.

Everything about downloads is the client's: its cache, `HF_ENDPOINT`, `HF_TOKEN`, `HF_HUB_OFFLINE`, its timeouts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from glob import escape
from pathlib import Path
from typing import Any, TypeVar

from bakeoff.data.locations import Locations
from bakeoff.data.parquet import parquet_listing
from bakeoff.data.shards import PARTS, Shards, choose_shards
from bakeoff.data.sources import Listing, sources
from bakeoff.errors import DataError, OfflineError
from bakeoff.hub import ask, split_address
from bakeoff.specs.data import DataSpec

T = TypeVar("T")


@dataclass(frozen=True)
class HubDataset:
    """A data set of the hub.

    Attributes:
        name: what the user calls it, and the name of its folder in a data folder.
        repo: owner/name.
        revision: branch, tag or commit.
        label: the column of the labels, where the files do not tell.
    """

    name: str
    repo: str
    revision: str = "main"
    label: str | None = None

    @property
    def url(self) -> str:
        """The page of its files."""
        from huggingface_hub import constants

        return f"{constants.ENDPOINT}/datasets/{self.repo}/tree/{self.revision}"


@dataclass(frozen=True)
class Found:
    """Files on this machine: the folder they are in, which of them to read, and where they are from."""

    root: Path
    shards: Shards
    provenance: Mapping[str, Any]


def from_hub(spec: DataSpec, where: Locations) -> Listing:
    """Return the images of the data set `owner/name` or `owner/name@revision` of the hub."""
    try:
        repo, revision = split_address(spec.name)
    except ValueError as error:
        raise DataError(f"{spec.name!r} is neither a folder nor a name on the hub: {error}") from None
    return _listing(HubDataset(repo, repo, revision), spec, where)


def _listing(dataset: HubDataset, spec: DataSpec, where: Locations) -> Listing:
    found = _in_data_dir(dataset, where.data_dir) or _in_client_cache(dataset) or _download(dataset, where)
    parts = {part: [found.root / file for file in files] for part, files in found.shards.parts.items()}
    return parquet_listing(parts, spec, {"source": "hub", "id": dataset.repo, **found.provenance}, dataset.label)


for _dataset in (
    HubDataset("cifar10", "uoft-cs/cifar10"),
    HubDataset("cifar100", "uoft-cs/cifar100", label="fine_label"),
    HubDataset("mnist", "ylecun/mnist"),
    HubDataset("fashion-mnist", "zalando-datasets/fashion_mnist"),
):
    sources.register(_dataset.name)(partial(_listing, _dataset))


def _in_data_dir(dataset: HubDataset, data_dir: Path | None) -> Found | None:
    """Look into the folders of the data set's name, or into the data folder itself where it has that name."""
    if data_dir is None:
        return None
    if not data_dir.is_dir():
        raise DataError(f"{data_dir}: no such folder of data sets; name one with --data-dir that exists")
    own_names = {dataset.name, dataset.repo.rpartition("/")[2]}
    own = [data_dir] if {data_dir.name, data_dir.resolve().name} & own_names else []
    for root in (data_dir / dataset.name, data_dir / dataset.repo, *own):
        files = [file.relative_to(root).as_posix() for file in root.rglob("*.parquet")]
        if files:
            return Found(root, choose_shards(files, str(root)), {"path": str(root)})
    return None


def _in_client_cache(dataset: HubDataset) -> Found | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    stored = partial(
        snapshot_download, dataset.repo, repo_type="dataset", revision=dataset.revision, local_files_only=True
    )
    try:
        root = Path(stored(allow_patterns=[]))
        there = [file for file in root.rglob("*.parquet") if file.is_file()]  # and no link to one that was removed
        shards = choose_shards([file.relative_to(root).as_posix() for file in there], str(root))
        # The client knows of which files of a configuration a download was broken off.
        folder = f"{escape(shards.folder)}/" if shards.folder else ""
        stored(allow_patterns=[f"{folder}{part}*.parquet" for part in PARTS])
    except (LocalEntryNotFoundError, DataError):
        return None
    return Found(root, shards, {"revision": dataset.revision, "commit": root.name})


def _download(dataset: HubDataset, where: Locations) -> Found:
    from huggingface_hub import HfApi, constants, snapshot_download

    if where.offline or constants.HF_HUB_OFFLINE:
        raise OfflineError(_by_hand(dataset, "downloading is switched off"))
    about = _ask(dataset, partial(HfApi().dataset_info, dataset.repo, revision=dataset.revision))
    files = [file.rfilename for file in about.siblings or []]
    if dataset.revision == "main" and not any(file.endswith(".parquet") for file in files):
        raise DataError(
            f"{dataset.url} has no parquet files; try {dataset.repo}@refs/convert/parquet, where the hub keeps some"
        )
    shards = choose_shards(files, dataset.url)
    wanted = [escape(file) for file in shards.files]
    fetch = partial(snapshot_download, dataset.repo, repo_type="dataset", revision=dataset.revision)
    root = _ask(dataset, partial(fetch, allow_patterns=wanted), shards.files)
    return Found(Path(root), shards, {"revision": dataset.revision, "commit": Path(root).name})


def _ask(dataset: HubDataset, call: Callable[[], T], files: Sequence[str] = ()) -> T:
    missing = DataError(
        f"there is no {dataset.url}, or it may not be read from here; check the name and revision (no folder of"
        " that name exists either), or set HF_TOKEN where it is private or gated"
    )
    return ask(call, missing, lambda why: OfflineError(_by_hand(dataset, why, files)))


def _by_hand(dataset: HubDataset, why: str, files: Sequence[str] = ()) -> str:
    named = ", ".join(files) or "train-*.parquet and test-*.parquet"
    either = ", neither as a folder nor from the hub," if dataset.name == dataset.repo else ""
    return (
        f"{dataset.name} is not on this machine{either} and {why}; fetch {named} from {dataset.url} by other means, put"
        f" the files into DIR/{dataset.name}/ and give --data-dir DIR"
    )
