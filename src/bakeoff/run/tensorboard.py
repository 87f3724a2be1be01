"""The curves of a run for TensorBoard."""

import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bakeoff.records.run import EpochRow

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event

CURVES = {
    "loss/train": "train_loss",
    "loss/val": "val_loss",
    "accuracy/train": "train_accuracy",
    "accuracy/val": "val_accuracy",
    "lr": "lr",
    "images_per_second": "images_per_second",
}


class TensorBoard:
    """Writes every epoch to an event file in a folder, at once, so that TensorBoard can follow.

    TensorBoard's own writer does so on a thread, from which the errors of a full disk come as tracebacks.
    """

    def __init__(self, folder: Path) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}"
        self._file = (folder / name).open("ab")
        self._records = RecordWriter(self._file)
        self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))

    def epoch_ended(self, row: EpochRow) -> None:
        """Write an epoch."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        figures = {tag: getattr(row, field) for tag, field in CURVES.items()}
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in figures.items() if value is not None]
        self._write(Event(wall_time=time.time(), step=row.epoch, summary=Summary(value=values)))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, event: "Event") -> None:
        self._records.write(event.SerializeToString())
        self._file.flush()
