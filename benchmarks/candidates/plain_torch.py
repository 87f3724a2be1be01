"""Loops that people write in plain PyTorch, by a task's `way`.

"dataloader": torchvision's transforms of PIL images in a DataLoader of two workers, float32. "eager": images in memory
as float32, indexed by a permutation. "tuned": that with bf16 autocast, channels-last memory and a fused optimizer.
"""

from collections.abc import Iterator

import torch
from rounds import Rounds
from torch import Tensor
from torch.nn import functional
from torch_photos import loader
from torch_simcnn import judged, network, tensors

WAYS = {
    "dataloader": "float32; torchvision's `ToTensor` in a DataLoader of two workers that stay alive",
    "eager": "float32; images in memory as floats",
    "tuned": "bf16 autocast, channels-last, fused optimizer; images in memory as floats",
}


def in_memory(path: str, batch: int, memory_format: torch.memory_format) -> Iterator[Iterator[tuple[Tensor, Tensor]]]:
    """Yield epochs of batches."""
    images, labels = tensors(path, "train")
    images = images.contiguous(memory_format=memory_format)
    while True:
        yield ((images[rows], labels[rows]) for rows in torch.randperm(len(images)).split(batch))


def main() -> None:
    """Train when told to."""
    rounds = Rounds()
    task, way = rounds.task, rounds.task["way"]
    tuned = way == "tuned"
    torch.manual_seed(task["seed"])
    memory_format = torch.channels_last if tuned else torch.contiguous_format
    model = network().to(memory_format=memory_format).train()
    optimizer = torch.optim.Adam(model.parameters(), task["lr"], eps=1e-7, fused=tuned)
    if way == "dataloader":
        photos = loader(task["data"], task["batch"], workers=2)
        epochs = (photos for _ in range(task["rounds"]))
    else:
        epochs = in_memory(task["data"], task["batch"], memory_format)
    rounds.wait(does=WAYS[way], torch=torch.__version__)
    for _ in range(task["rounds"]):
        for images, labels in next(epochs):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=tuned):
                loss = functional.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
        rounds.done()
    rounds.finish(**judged(model, task["data"]))


if __name__ == "__main__":
    main()
