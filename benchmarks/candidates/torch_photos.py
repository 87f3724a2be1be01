"""A data set as scripts have it, transformed by torchvision in a DataLoader; run by itself it is an input pipeline."""

import torch
import torchvision
from PIL import Image
from rounds import Rounds
from torch.utils.data import DataLoader, Dataset
from torch_simcnn import arrays
from torchvision.transforms import v2

MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)


class Photos(Dataset):
    """Images of a file one by one, as `torchvision.datasets.CIFAR10` gives them: from PIL, through a transform."""

    def __init__(self, path: str, transform: v2.Compose) -> None:
        self.pixels, self.labels = arrays(path, "train")
        self.transform = transform

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.pixels[index])), int(self.labels[index])


def loader(path: str, batch: int, workers: int, *augment: v2.Transform) -> DataLoader:
    """Return shuffled batches whose images are augmented and made floats; workers stay alive between epochs."""
    transform = v2.Compose([*augment[:2], v2.ToImage(), v2.ToDtype(torch.float32, scale=True), *augment[2:]])
    return DataLoader(Photos(path, transform), batch, shuffle=True, num_workers=workers, persistent_workers=workers > 0)


def main() -> None:
    """Go through all images, flipped, cropped and normalized, when told to."""
    rounds = Rounds()
    task = rounds.task
    augment = v2.RandomHorizontalFlip(), v2.RandomCrop(32, padding=4, padding_mode="reflect")
    batches = loader(task["data"], task["batch"], task["workers"], *augment, v2.Normalize(MEAN, DEVIATION))
    does = f"torchvision's transforms of PIL images; DataLoader, {task['workers'] or 'no'} workers"
    rounds.wait(does=does, torch=torch.__version__, torchvision=torchvision.__version__)
    for _ in range(task["rounds"]):
        for _ in batches:
            pass
        rounds.done()
    rounds.finish()


if __name__ == "__main__":
    main()
