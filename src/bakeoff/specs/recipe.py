"""How a network is trained: optimizer, schedule, augmentation, stopping, precision."""

from math import ceil
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from bakeoff.specs.base import Named, Spec

NO_END = 100_000  # epochs, where a budget of steps or seconds says when training ends

Beta = Annotated[float, Field(ge=0, lt=1)]

ADAM_DEFAULTS = {"betas": (0.9, 0.999), "eps": 1e-8}
OPTIMIZER_DEFAULTS: dict[str, dict[str, Any]] = {
    "sgd": {"lr": 0.05, "momentum": 0.9, "nesterov": True},
    "adam": {"lr": 1e-3, **ADAM_DEFAULTS},
    "adamw": {"lr": 1e-3, **ADAM_DEFAULTS},
    "adamax": {"lr": 2e-3, **ADAM_DEFAULTS},
    "rmsprop": {"lr": 1e-3, "momentum": 0.0, "alpha": 0.99, "eps": 1e-8},
    "muon": {"lr": 0.1, "momentum": 0.6, "other_lr": 0.05, "head_lr": 0.05, "other_momentum": 0.85},
}


LATER: dict[str, Any] = {  # fields that recipes had not always, with the values that are without effect
    "progressive": None,
    "whiten_epochs": 0,
    "hard_examples": None,
    "lookahead": False,
    "optimizer.norm_lr": None,
    "schedule.start": 0.04,
}


class OptimizerSpec(Named):
    """An optimizer and its settings.

    What is left out is filled in with the optimizer's own defaults (those of `torch.optim`, except that `sgd` comes
    with Nesterov momentum .9, as in timm), so that a resolved spec hides nothing. A field that the optimizer does not
    have must be left out.
    """

    name: Literal["sgd", "adam", "adamw", "adamax", "rmsprop", "muon"] = "adamw"
    lr: float = Field(gt=0, description="base learning rate, per step of one batch")
    weight_decay: float = Field(
        0.0, ge=0, description="decoupled for adamw, added to the gradient otherwise; muon: share of all but kernels"
    )
    decay_bias_and_norm: bool = Field(False, description="apply weight decay to biases and normalization weights too")
    norm_lr: float | None = Field(
        None, gt=0, description="factor of the rate, but not of the decay, of normalization's weights; not for muon"
    )
    momentum: float | None = Field(None, ge=0, lt=1)
    nesterov: bool | None = None
    betas: tuple[Beta, Beta] | None = None
    eps: float | None = Field(None, gt=0)
    alpha: float | None = Field(None, gt=0, lt=1, description="decay of rmsprop's running mean of squares")
    other_lr: float | None = Field(None, gt=0, description="muon's rate for what is neither kernel nor classifier")
    head_lr: float | None = Field(None, gt=0, description="muon's rate for the classifier")
    other_momentum: float | None = Field(None, ge=0, lt=1, description="muon's momentum for all but kernels")

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, given: Any) -> Any:
        given = {"name": given} if isinstance(given, str) else given
        if not isinstance(given, dict):
            return given
        defaults = OPTIMIZER_DEFAULTS.get(given.get("name", "adamw"), {})
        if given.get("momentum") == 0:
            defaults = {**defaults, "nesterov": False}
        return {**defaults, **{field: value for field, value in given.items() if value is not None}}

    @model_validator(mode="after")
    def _fields_belong(self) -> Self:
        for field in ("momentum", "nesterov", "betas", "eps", "alpha", "other_lr", "head_lr", "other_momentum"):
            if field not in OPTIMIZER_DEFAULTS[self.name] and getattr(self, field) is not None:
                raise ValueError(f"the optimizer {self.name!r} has no {field}")
        if self.norm_lr and self.name == "muon":
            raise ValueError("the optimizer 'muon' has no norm_lr; its rate for normalization is other_lr")
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0")
        return self


class ScheduleSpec(Named):
    """How the learning rate changes, as a factor of the base rate.

    `warmup_epochs` rises linearly from 0 before any schedule. `step` multiplies by `gamma` every `step_epochs`;
    `cosine` and `linear` fall to `final`; `onecycle` (Smith 2018, arXiv:1803.09820) rises from `start` over the first
    `peak` share and falls to `final`; `plateau` multiplies by `gamma` after `patience` epochs in which `monitor` did
    not improve by 1e-4, never below the rate `min_lr`, as Keras's ReduceLROnPlateau does.
    """

    name: Literal["constant", "step", "cosine", "linear", "onecycle", "plateau"] = "cosine"
    warmup_epochs: float = Field(0.0, ge=0)
    final: float = Field(0.0, ge=0, le=1, description="factor at the end of cosine, linear and onecycle")
    start: float = Field(0.04, ge=0, le=1, description="factor at the beginning of onecycle")
    peak: float = Field(0.25, gt=0, lt=1, description="share of the training at which onecycle peaks")
    step_epochs: int = Field(30, ge=1)
    gamma: float = Field(0.1, gt=0, lt=1)
    patience: int = Field(10, ge=1)
    min_lr: float = Field(0.0, ge=0)
    monitor: Literal["val_loss", "val_accuracy"] = "val_loss"


class AugmentSpec(Spec):
    """One augmentation by name with its options. In a file: `flip`, `shift: 4`, or `flip: {vertical: true}`."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"name": given}
        if isinstance(given, dict) and len(given) == 1 and "name" not in given:
            (name, options), *_ = given.items()
            return {"name": name, "options": options if isinstance(options, dict) else {"amount": options}}
        if not isinstance(given, AugmentSpec) and not (isinstance(given, dict) and "name" in given):
            raise ValueError("an augmentation is a name, or one name with its options, such as {shift: 4}")
        return given


class EarlyStopping(Spec):
    """Stop after `patience` epochs in which the recipe's `monitor` did not improve by more than `min_delta`.

    The recipe's `head_epochs` do not count as such.
    """

    patience: int = Field(5, ge=1)
    min_delta: float = Field(0.0, ge=0)


class Progressive(Spec):
    """Train the first epochs on smaller images (progressive resizing), which takes a fraction of their time.

    Source: Howard 2018, Training Imagenet in 3 hours for USD 25; Tan and Le 2021 (arXiv:2104.00298), section 4.
    """

    scale: float = Field(gt=0, lt=1, description="side of the smaller images, as a share of the input's")
    epochs: int = Field(ge=1, description="that see them")


class HardExamples(Spec):
    """Train on the hardest images of each batch, which a small network picks that is trained beside (`Proxy`)."""

    keep: float = Field(0.5, gt=0, lt=1, description="share of each batch that is trained on")
    proxy: str = Field("airbench96-proxy", description="the small network, by its name")
    every: int = Field(4, ge=1, description="the proxy itself learns in one of so many steps")


class Recipe(Spec):
    """One way to train. `name` is a label; everything else decides the result."""

    name: str = "default"
    epochs: int = Field(10, ge=1)
    batch_size: int = Field(128, ge=1)
    max_steps: int | None = Field(None, ge=1, description="stop after so many optimizer steps")
    max_seconds: float | None = Field(None, gt=0, description="stop after so many seconds of training")
    optimizer: OptimizerSpec = Field(default_factory=lambda: OptimizerSpec.parse({}))
    schedule: ScheduleSpec = ScheduleSpec()
    augment: tuple[AugmentSpec, ...] = ()
    normalize: Literal["auto", "dataset", "unit", "imagenet", "caffe", "tf", "clip", "per-image"] = Field(
        "auto", description="auto: what the weights expect, else dataset"
    )
    head_epochs: int = Field(0, ge=0, description="first epochs, in which nothing of a backbone is trained")
    backbone_lr: float = Field(1.0, gt=0, le=1, description="learning rate of a backbone, as a factor of the head's")
    layer_decay: float = Field(1.0, gt=0, le=1, description="further factor for every stage that is deeper by one")
    progressive: Progressive | None = Field(None, description="smaller images in the first epochs")
    whiten_epochs: int = Field(
        0, ge=0, description="first epochs, in which the biases of a whitened first layer are trained; 0: in all"
    )
    hard_examples: HardExamples | None = Field(None, description="train on the hardest images of each batch alone")
    cache_features: bool = Field(True, description="run a frozen backbone once per image where that changes nothing")
    views: int = Field(0, ge=0, le=1000, description="augmented views per image to cache of a frozen backbone")
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    early_stopping: EarlyStopping | None = None
    select: Literal["best", "last"] = Field("best", description="which epoch's weights are kept")
    monitor: Literal["val_loss", "val_accuracy"] = "val_accuracy"
    ema: float | None = Field(None, gt=0, lt=1, description="decay per step of the averaged weights that are evaluated")
    lookahead: bool = Field(False, description="every fifth step goes back towards an average of the weights")
    clip_norm: float | None = Field(None, gt=0, description="largest norm of the gradient over all parameters")
    amp: Literal["auto", "off", "bf16", "fp16"] = "auto"
    engine: Literal["auto", "eager", "lean", "compile", "graph"] = Field("auto", description="how a step is computed")

    @model_validator(mode="after")
    def _views_are_of_augmentation(self) -> Self:
        if self.views and not (self.augment and self.cache_features):
            raise ValueError("views need augment, whose views they are, and cache_features: true")
        if self.head_epochs and self.head_epochs >= self.epochs:
            raise ValueError(f"head_epochs must be fewer than the {self.epochs} epochs")
        if self.lookahead and self.ema:
            raise ValueError("lookahead and ema both say which average is evaluated; choose one")
        if self.progressive and self.progressive.epochs >= self.epochs:
            raise ValueError(f"progressive.epochs must be fewer than the {self.epochs} epochs")
        return self

    def total_steps(self, steps_per_epoch: int) -> int:
        """Return after how many optimizer steps training ends at the latest, whatever time it is given."""
        steps = self.epochs * steps_per_epoch
        return min(steps, self.max_steps) if self.max_steps else steps

    def expected_epochs(self, images: int, images_per_second: float) -> float:
        """Return after how many epochs of so many images training ends at the latest, at this pace."""
        limits = [float(self.epochs)]
        if self.max_steps:
            limits.append(self.max_steps / ceil(images / self.batch_size))
        if self.max_seconds:
            limits.append(self.max_seconds * images_per_second / images)
        return min(limits)

    @field_validator("amp", mode="before")
    @classmethod
    def _off_is_no_truth_value(cls, given: Any) -> Any:
        return "off" if given is False else given  # as YAML reads it without quotes

    @field_validator("early_stopping", mode="before")
    @classmethod
    def _bare_patience(cls, given: Any) -> Any:
        return {"patience": given} if isinstance(given, int) and not isinstance(given, bool) else given
