"""`bakeoff doctor`."""

import shutil


def doctor() -> None:
    """Print versions, devices, threads, number formats and free disk: what figures depend on."""
    import torch
    from rich.table import Table

    from bakeoff.cli.console import out
    from bakeoff.data.locations import default_cache
    from bakeoff.run.device import device_name, environment, find_device
    from bakeoff.training.engines import resolve_engine
    from bakeoff.training.precision import native_bf16, resolve_amp

    device = find_device("auto")
    facts = environment(device)
    if device.type != "cpu":
        facts["cpu"] = device_name(torch.device("cpu"))
    facts["native bf16 on the CPU"] = "yes" if native_bf16() else "no"
    facts["amp auto means"] = resolve_amp("auto", device)
    facts["engine auto means"] = resolve_engine("auto", device)
    cache = default_cache()
    existing = next(path for path in (cache, *cache.parents) if path.exists())
    facts["cache"] = f"{cache} ({shutil.disk_usage(existing).free / 1e9:.1f} GB free)"
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in facts.items():
        table.add_row(name.replace("_", " "), value)
    out.print(table)
