"""Lightning's Trainer on tensors in memory, in float32, with everything off that writes."""

import logging
import warnings

import lightning
import torch
from rounds import Rounds
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from torch_simcnn import judged, network, tensors


class SimCNN(lightning.LightningModule):
    """The network with its loss and optimizer."""

    def __init__(self, lr: float) -> None:
        super().__init__()
        self.model, self.lr = network(), lr

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        """Return the loss of a batch."""
        images, labels = batch
        return nn.functional.cross_entropy(self.model(images), labels)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return Adam, as all candidates have it."""
        return torch.optim.Adam(self.parameters(), self.lr, eps=1e-7)


class Turns(lightning.Callback):
    """Makes every epoch a round."""

    def __init__(self, rounds: Rounds) -> None:
        self.rounds = rounds

    def on_train_start(self, *_: object) -> None:
        """Wait for the first round."""
        does = "float32; Trainer on a TensorDataset in memory, no logger and no checkpoints"
        self.rounds.wait(does=does, lightning=lightning.__version__, torch=torch.__version__)

    def on_train_epoch_end(self, *_: object) -> None:
        """End a round."""
        self.rounds.done()


def main() -> None:
    """Train when told to."""
    rounds = Rounds()
    task = rounds.task
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    torch.manual_seed(task["seed"])
    model = SimCNN(task["lr"])
    batches = DataLoader(TensorDataset(*tensors(task["data"], "train")), task["batch"], shuffle=True)
    quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    lightning.Trainer(accelerator="cpu", max_epochs=task["rounds"], callbacks=[Turns(rounds)], **quiet).fit(
        model, batches
    )
    rounds.finish(**judged(model.model, task["data"]))


if __name__ == "__main__":
    main()
