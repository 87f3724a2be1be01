"""The curves of a run for TensorBoard."""

from pathlib import Path

from bakeoff.records.run import EpochRow

CURVES = {
    "loss/train": "train_loss",
    "loss/val": "val_loss",
    "accuracy/train": "train_accuracy",
    "accuracy/val": "val_accuracy",
    "lr": "lr",
    "images_per_second": "images_per_second",
}


class TensorBoard:
    """Writes every epoch to an event file in a folder, at once, so that TensorBoard can follow."""

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), max_queue=1)

    def epoch_ended(self, row: EpochRow) -> None:
        """Write an epoch."""
        for tag, field in CURVES.items():
            if (value := getattr(row, field)) is not None:
                self._writer.add_scalar(tag, value, row.epoch)
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()
