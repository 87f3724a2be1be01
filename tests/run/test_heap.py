import platform
import resource
from pathlib import Path

import pytest
import torch
from torch import nn

from bakeoff.run.heap import give_back_freed_memory, keep_freed_memory

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")


def test_memory_of_a_step_is_there_for_the_next_and_goes_back_after_the_run() -> None:
    """A step here frees some 80 MB, which are 20 thousand pages that the kernel may have to provide anew."""
    layer, images = nn.Conv2d(3, 32, 3, padding=1), torch.zeros(32, 3, 72, 72)

    def pages() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        layer(images).relu().square().mean().backward()
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1])

    keep_freed_memory()
    assert min(pages() for _ in range(6)) < 1_000
    before = resident()
    give_back_freed_memory()
    assert before - resident() > 10_000
