"""Which images: the data set, how it is decoded, and which of its content was seen."""

from typing import Any, Literal

from pydantic import Field, field_validator

from bakeoff.specs.base import Named


class DataSpec(Named):
    """A data set.

    Where its files lie on this machine is not part of it: that is an argument of loading, because the same pixels
    are the same data wherever they are.
    """

    name: str = Field(min_length=1, description="a known name, a folder, an .npz file, or owner/name on the hub")
    image_size: int | None = Field(None, ge=4, le=4096, description="side in pixels to decode photos of many sizes to")
    fit: Literal["crop", "squash", "pad"] = Field("crop", description="how a photo that is not square becomes one")
    skip_bad: bool = Field(False, description="leave out unreadable images, and report them, instead of stopping")
    classes: tuple[str, ...] | None = Field(None, min_length=2, description="only the images of these classes")
    max_train: int | None = Field(None, ge=2, description="train on so many images, drawn evenly from the classes")
    fingerprint: str = Field("", description="SHA-256 of the pixels, labels and class names, filled in when loaded")

    @field_validator("classes", mode="before")
    @classmethod
    def _numbers_are_names(cls, given: Any) -> Any:
        # In YAML the classes of digits are numbers; yes and no are truth values there, and stay mistakes.
        if not isinstance(given, list | tuple):
            return given
        return [str(name) if isinstance(name, int) and not isinstance(name, bool) else name for name in given]
