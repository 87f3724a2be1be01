"""A training step by engine: torch as it is; lean layers; those with recorded passes; in turn.

    python benchmarks/engines.py [ROUNDS] [AMP]

Batches of the small networks are those of the documents. `compile` is left out: on a CPU it compiles for minutes.
Passes of networks with many weights are recorded here for comparison; training does not record them. Results are kept
apart by number format, which AMP chooses as `--amp` does, and by the instructions of the processor that torch uses.
"""

import argparse
import json
import statistics
import time
from datetime import UTC, datetime

import torch
from timing import RESULTS, processor

from bakeoff.data.pipeline import Batch
from bakeoff.models.library import build
from bakeoff.run.heap import keep_freed_memory
from bakeoff.specs.model import ModelSpec
from bakeoff.specs.recipe import Recipe
from bakeoff.training import optimizers
from bakeoff.training.engines import make_ready
from bakeoff.training.phases import Phases
from bakeoff.training.precision import Precision, resolve_amp
from bakeoff.training.step import Step

FORMS = {  # images in a batch, and pixels of a side
    "simcnn": (32, 32),
    "leaky-cnn": (32, 32),
    "leaky-cnn-dropout": (32, 32),
    "leaky-cnn-deep": (32, 32),
    "vgg-small": (64, 32),
    "airbench94": (500, 32),
    "resnet18-32px": (64, 32),
    "vgg16": (32, 32),
    "resnet50-2015": (32, 64),
    "mobilenet-keras": (32, 96),
    "timm:mobilenetv3_small_100": (16, 128),
    "timm:efficientnet_b0": (16, 128),
    "timm:convnext_atto": (16, 128),
    "timm:vit_tiny_patch16_224": (16, 128),
}
CPU = torch.device("cpu")


def step_of(name: str, engine: str, amp: str, *, recorded: bool = False) -> Step:
    """Return the step of a network, as training takes it; it is recorded in trainings that are long enough."""
    torch.manual_seed(0)
    batch, size = FORMS[name]
    model = make_ready(build(ModelSpec(name=name), 10, 3, size), engine).to(memory_format=torch.channels_last)
    recipe = Recipe.parse({"optimizer": "adam", "batch_size": batch})
    optimizer = optimizers.build(model.train(), recipe.optimizer, Phases(model, recipe).rates)
    precision = Precision(amp, CPU)
    return Step(model, optimizer, lambda images: images, recipe, precision, batch, recorded=recorded)


def main(rounds: int, amp: str) -> None:
    """Time them."""
    keep_freed_memory()  # as training does
    amp = resolve_amp(amp, CPU)
    found = {}
    for name, (images, size) in FORMS.items():
        pixels = torch.randn(images, 3, size, size).to(memory_format=torch.channels_last)
        batch = Batch(pixels, torch.arange(images) % 10)
        steps = {engine: step_of(name, engine, amp) for engine in ("eager", "lean")}
        steps["recorded"] = step_of(name, "lean", amp, recorded=True)
        times: dict[str, list[float]] = {engine: [] for engine in steps}
        for count in range(rounds + 2):
            for engine, step in steps.items():
                started = time.perf_counter()
                step(batch, 1e-3)
                if count >= 2:
                    times[engine].append(1000 * (time.perf_counter() - started))
        median = {engine: statistics.median(taken) for engine, taken in times.items()}
        ratios = {engine: median[engine] / median["eager"] for engine in ("lean", "recorded")}
        found[name] = {"batch": images, "size": size} | {engine: round(ms, 2) for engine, ms in median.items()}
        found[name] |= {f"{engine}_by_eager": round(ratio, 3) for engine, ratio in ratios.items()}
        shown = "   ".join(f"{engine} {median[engine]:6.1f} ms {ratio:.2f} x" for engine, ratio in ratios.items())
        print(f"{name:<26} batch {images:>3}   eager {median['eager']:6.1f} ms   {shown}")
    precision, instructions = "float32" if amp == "off" else amp, torch.backends.cpu.get_cpu_capability()
    result = {
        "benchmark": "engines",
        "unit": "ms per step, median",
        "rounds": rounds,
        "date": datetime.now(UTC).date().isoformat(),
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "precision": precision,
        "torch": torch.__version__,
        "networks": found,
    }
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"engines-{precision}-{instructions.lower()}.json"
    file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", type=int, nargs="?", default=60)
    parser.add_argument("amp", choices=("auto", "off", "bf16"), nargs="?", default="auto")
    main(**vars(parser.parse_args()))
