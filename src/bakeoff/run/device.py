"""The device to train on, and the machine it is in."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import torch

from bakeoff.errors import SpecError


def find_device(name: str) -> torch.device:
    """Return the device of that name; `auto` is a GPU where there is one.

    Raises:
        SpecError: there is no such device here.
    """
    available = {"cpu"}
    if torch.cuda.is_available():
        available |= {"cuda", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))}
    if torch.backends.mps.is_available():
        available.add("mps")
    if name == "auto":
        name = next(kind for kind in ("cuda", "mps", "cpu") if kind in available)
    if name not in available:
        raise SpecError(f"there is no device {name!r} here; choose from auto, {', '.join(sorted(available))}")
    return torch.device(name)


def environment(device: torch.device) -> dict[str, str]:
    """Return the versions and the hardware that figures depend on."""
    found = {
        "bakeoff": version("bakeoff"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        **{package: version(package) for package in ("torchvision", "timm", "numpy")},
        "platform": platform.platform(),
        "device": str(device),
        "device_name": device_name(device),
        "threads": str(torch.get_num_threads()),
    }
    if device.type == "cuda":
        found |= {"cuda": str(torch.version.cuda), "cudnn": str(torch.backends.cudnn.version())}  # type: ignore[no-untyped-call]
    return found


def device_name(device: torch.device) -> str:
    """Return the name of the hardware, such as that of the processor."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return f"{line.partition(':')[2].strip()} ({os.cpu_count()} cores)"
    except OSError:
        pass
    return f"{platform.processor() or platform.machine()} ({os.cpu_count()} cores)"
