"""What a run takes, watched from its start, and what its network takes to use."""

import numpy as np
import torch
from torch import nn

from bakeoff.evaluation import speed
from bakeoff.models.operations import count_macs
from bakeoff.records.run import Cost
from bakeoff.run.energy import EnergyMeter
from bakeoff.run.memory import PeakMemory
from bakeoff.training.features import FeatureCache
from bakeoff.training.fit import Fitted
from bakeoff.training.precision import Precision


class Meter:
    """Counts memory and energy from its making on."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._memory = PeakMemory(device)
        self._energy = EnergyMeter(device)

    def sample(self) -> None:
        """Read what has to be read now and then."""
        self._energy.sample()

    def cost(
        self,
        model: nn.Module,
        shape: tuple[int, int, int],
        precision: Precision,
        fitted: Fitted,
        cache: FeatureCache | None,
        total_seconds: float,
        weights_bytes: int,
    ) -> Cost:
        """Return the cost of a run that ends now. Its network is then timed, which does not count.

        Args:
            model: the whole network.
            shape: of its input, (channels, height, width).
            precision: that it computes in.
            fitted: what training left behind.
            cache: of features, where it was trained on them.
            total_seconds: of all attempts at the run.
            weights_bytes: size of its file of weights.
        """
        peak, joules = self._memory.bytes(), self._energy.joules()
        latency, throughput = speed.measure(model, shape, self._device, precision.autocast())
        return Cost(
            train_seconds=fitted.seconds,
            total_seconds=total_seconds,
            images_per_second=float(np.median([row.images_per_second for row in fitted.rows])),
            peak_memory_bytes=peak,
            weights_bytes=weights_bytes,
            cached_features=cache is not None,
            feature_seconds=cache.seconds if cache else 0.0,
            own_peak_memory=self._memory.is_own,
            macs=count_macs(model, shape[0], shape[1]),
            latency=latency,
            throughput=throughput,
            joules=joules,
            joules_of=self._energy.source,
        )
