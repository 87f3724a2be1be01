"""Which network."""

from pydantic import Field

from bakeoff.specs.base import Spec

Option = bool | int | float | str


class ModelSpec(Spec):
    """A network by name, with its options and the size of its input."""

    name: str = Field(min_length=1, description="a registered name, or the name of a timm or torchvision model")
    options: dict[str, Option] = Field(default_factory=dict, description="arguments of the network's builder")
    image_size: int | None = Field(None, ge=4, le=4096, description="side of the input in pixels; None: as the data")
