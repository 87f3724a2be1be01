"""Bringing images of many sizes to one, as the evaluation transforms of torchvision and timm do."""

from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageOps

FILTER = Image.Resampling.BICUBIC  # with antialiasing, timm's default
THIN = 32  # times as long as wide: such an image is cut before it is resized, which would take too much memory


@dataclass(frozen=True)
class Fit:
    """Brings an image to a size in pixels; one that has it already is left as it is.

    `crop` resizes until the image just covers the size and takes the centre (torchvision's `Resize` and `CenterCrop`);
    `squash` resizes each side on its own; `pad` resizes until the image just fits, centred on black.
    """

    height: int
    width: int
    how: Literal["crop", "squash", "pad"] = "crop"

    def __call__(self, image: Image.Image) -> Image.Image:
        """Return the image in that size."""
        size = (self.width, self.height)
        if image.size == size:
            return image
        if self.how == "squash":
            return image.resize(size, FILTER)
        if self.how == "pad":
            return self._padded(image)
        return self._cropped(image)

    def _padded(self, image: Image.Image) -> Image.Image:
        scale = min(self.width / image.width, self.height / image.height)
        fitting = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        padded = Image.new(image.mode, (self.width, self.height))
        padded.paste(image.resize(fitting, FILTER), ((self.width - fitting[0]) // 2, (self.height - fitting[1]) // 2))
        return padded

    def _cropped(self, image: Image.Image) -> Image.Image:
        if image.width * self.height < image.height * self.width:
            covering = (self.width, image.height * self.width // image.width)
        else:
            covering = (image.width * self.height // image.height, self.height)
        if max(covering) > THIN * max(self.width, self.height):
            return ImageOps.fit(image, (self.width, self.height), FILTER)
        resized = image.resize(covering, FILTER)
        left, top = round((covering[0] - self.width) / 2), round((covering[1] - self.height) / 2)
        return resized.crop((left, top, left + self.width, top + self.height))
