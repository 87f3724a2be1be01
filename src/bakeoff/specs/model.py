"""Which network, with which weights, and what of it is trained."""

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from bakeoff.specs.base import Named, Spec

Option = bool | int | float | str
LAYERS = "a layer of a head is a number of units, {dropout: share}, or batch-norm"


class HeadLayer(Spec):
    """One layer of a head. In a file: `400` (dense with its activation), `{dropout: 0.2}`, or `batch-norm`."""

    kind: Literal["dense", "dropout", "batch-norm"]
    size: int | None = Field(None, ge=1, description="outputs of a dense layer")
    rate: float | None = Field(None, ge=0, lt=1, description="share that dropout leaves out")
    activation: Literal["relu", "leaky-relu", "gelu", "none"] = "relu"

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, given: Any) -> Any:
        if isinstance(given, int) and not isinstance(given, bool):
            return {"kind": "dense", "size": given}
        if given == "batch-norm":
            return {"kind": "batch-norm"}
        if isinstance(given, dict) and given.keys() == {"dropout"}:
            return {"kind": "dropout", "rate": given["dropout"]}
        if not isinstance(given, dict | HeadLayer):
            raise ValueError(LAYERS)
        return given

    @model_validator(mode="after")
    def _fields_belong(self) -> Self:
        if (self.kind == "dense") != (self.size is not None) or (self.kind == "dropout") != (self.rate is not None):
            raise ValueError(LAYERS)
        return self


class ModelSpec(Named):
    """A network by name.

    With `tap`, `pool` or `head` the network becomes a backbone: its features at the tap are pooled and go through the
    head, whose last layer, one logit per class, is always added.
    """

    name: str = Field(min_length=1, description="a registered name, or the name of a timm or torchvision model")
    label: str = Field("", description="what tables call it, where one network is compared in several ways")
    options: dict[str, Option] = Field(default_factory=dict, description="arguments of the network's builder")
    image_size: int | None = Field(None, ge=4, le=4096, description="side of the input; None: the weights' or data's")
    weights: str = Field("random", description="random, pretrained, hub:owner/name, or a file of weights")
    weights_sha256: str = Field("", description="SHA-256 that the file of weights must have; filled in")
    tap: str | None = Field(None, description="the stage whose output is used; None: the last")
    pool: Literal["flatten", "avg", "max"] | None = Field(None, description="how maps become a vector; None: avg")
    head: tuple[HeadLayer, ...] | None = Field(None, description="layers between the features and the logits")
    freeze: str = Field("none", description="none, backbone, all-but-last-N stages, or a pattern of weight names")

    @field_validator("options", mode="before")
    @classmethod
    def _plain_options(cls, given: Any) -> Any:
        for option, value in given.items() if isinstance(given, dict) else ():
            if not isinstance(value, Option):
                raise ValueError(f"the option {option} must be a number, text, true or false")
        return given

    @field_validator("weights")
    @classmethod
    def _one_spelling(cls, given: str) -> str:
        return "pretrained" if given == "imagenet" else given

    @property
    def title(self) -> str:
        """What tables call it."""
        return self.label or self.name

    @property
    def is_backbone(self) -> bool:
        """Whether the network is used for its features, with a head of ours."""
        return self.tap is not None or self.pool is not None or self.head is not None
