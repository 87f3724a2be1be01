"""`bakeoff doctor`."""

import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

if TYPE_CHECKING:
    import torch


def doctor(
    engine: Annotated[
        bool, Option("--engine", help="Also measure how fast each engine is here; half a minute.")
    ] = False,
) -> None:
    """Print versions, devices, threads, number formats and free disk: what figures depend on."""
    import torch
    from rich.table import Table

    from bakeoff.cli.console import out
    from bakeoff.data.locations import default_cache
    from bakeoff.run.device import device_name, environment, find_device
    from bakeoff.run.fastest import CANDIDATES
    from bakeoff.training.engines import resolve_engine
    from bakeoff.training.precision import native_bf16, resolve_amp

    device = find_device("auto")
    facts = environment(device)
    if device.type != "cpu":
        facts["cpu"] = device_name(torch.device("cpu"))
    facts["native bf16 on the CPU"] = "yes" if native_bf16() else "no"
    facts["amp auto means"] = resolve_amp("auto", device)
    choice = " or ".join(CANDIDATES.get(device.type, ()))
    facts["engine auto means"] = f"{choice}, as measured" if choice else resolve_engine("auto", device)
    cache = default_cache()
    existing = next(path for path in (cache, *cache.parents) if path.exists())
    facts["cache"] = f"{cache} ({shutil.disk_usage(existing).free / 1e9:.1f} GB free)"
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in facts.items():
        table.add_row(name.replace("_", " "), value)
    for name, size in _cached(cache).items():
        table.add_row(f"cached {name}", f"{size / 1e9:.2f} GB")
    out.print(table)
    out.print(
        "What is cached is made or fetched again where it is missing: remove a folder of the cache to free its room,"
    )
    out.print("but not looks, which counts the looks at test images.")
    if engine:
        _print_engines(device)


def _cached(cache: Path) -> dict[str, int]:
    """Return the bytes in each folder of the cache; what is removed meanwhile counts for nothing."""
    sizes: dict[str, int] = {}
    for path in cache.rglob("*"):
        with suppress(OSError):
            if path.is_file():
                folder = path.relative_to(cache).parts[0]
                sizes[folder] = sizes.get(folder, 0) + path.stat().st_size
    return dict(sorted(sizes.items()))


def _print_engines(device: "torch.device") -> None:
    from rich.table import Table

    from bakeoff.cli.busy import print_if_busy
    from bakeoff.cli.console import out
    from bakeoff.run.fastest import CANDIDATES, fastest
    from bakeoff.run.showcase import showcase
    from bakeoff.training.engines import resolve_engine

    table = Table(box=None, pad_edge=False)
    for column in ("network", "batch", "engine", "ms a step", "auto"):
        table.add_column(column, justify="right" if column in ("batch", "ms a step") else "left")
    shares = []
    for network, batch_size, seconds, share in showcase(device):
        shares.append(share)
        chosen = fastest(seconds) if device.type in CANDIDATES else resolve_engine("auto", device)
        for name, value in seconds.items():
            table.add_row(network, str(batch_size), name, f"{1000 * value:.2f}", "takes it" if name == chosen else "")
    out.print(table)
    print_if_busy(shares)
