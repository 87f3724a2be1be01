"""The same bits every time, on a GPU too: PyTorch's switches for it, which are off by default since they cost speed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
# Two workspaces of fixed size, as NVIDIA's documentation of cuBLAS ("Results reproducibility") asks for.
FIXED = ":4096:8"


@contextmanager
def deterministic(wanted: bool) -> Iterator[None]:
    """Compute deterministically while the block lasts, where that is wanted; leave the process as it was.

    Raises:
        RuntimeError: in the block, by PyTorch, for an operation that has no deterministic implementation; it names it.
    """
    if not wanted:
        yield
        return
    cudnn, workspace = torch.backends.cudnn, os.environ.get(WORKSPACE)
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    of_cudnn = cudnn.deterministic, cudnn.benchmark
    os.environ[WORKSPACE] = FIXED
    torch.use_deterministic_algorithms(True)
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        cudnn.deterministic, cudnn.benchmark = of_cudnn
        if workspace is None:
            del os.environ[WORKSPACE]
        else:
            os.environ[WORKSPACE] = workspace
