"""What Keras publishes for its applications: files of ImageNet weights without the top, and the input they expect.

Addresses and checksums are those of keras/src/applications in Keras 3. It publishes no checksums for MobileNet; that
of the narrowest is of the file as downloaded in 2026, and the others are checked against what the server says of them.
"""

import os
from pathlib import Path

from bakeoff.errors import SpecError
from bakeoff.models.downloads import Published
from bakeoff.models.expectation import Expectation
from bakeoff.specs.model import ModelSpec

URL = "https://storage.googleapis.com/tensorflow/keras-applications"


_NOTOP = "weights_tf_dim_ordering_tf_kernels_notop.h5"


def _published(path: str, checksum: str = "") -> Published:
    return Published(f"{URL}/{path}", checksum)


_APPLICATIONS = {
    "vgg16": _published(f"vgg16/vgg16_{_NOTOP}", "md5:6d6bbae143d832006294945121d1f1fc"),
    "vgg19": _published(f"vgg19/vgg19_{_NOTOP}", "md5:253f8cb515780f3b799900260a226db6"),
    "resnet50-keras": _published(f"resnet/resnet50_{_NOTOP}", "md5:4d473c1dd8becc155b73f8504c6f6626"),
    "resnet50v2-keras": _published(f"resnet/resnet50v2_{_NOTOP}", "md5:fac2f116257151a9d068a22e544a4917"),
    "inceptionv3-keras": _published(f"inception_v3/inception_v3_{_NOTOP}", "md5:bcbd6486424b2319ff4ef7d526e38f63"),
}
_MOBILENET = {
    1.0: _published("mobilenet/mobilenet_1_0_224_tf_no_top.h5"),
    0.75: _published("mobilenet/mobilenet_7_5_224_tf_no_top.h5"),
    0.5: _published("mobilenet/mobilenet_5_0_224_tf_no_top.h5"),
    0.25: _published("mobilenet/mobilenet_2_5_224_tf_no_top.h5", "md5:f313cee49f5d33dfb06f2b255c4adb64"),
}

# Keras's `preprocess_input` of each application, and the images that it was trained on.
_EXPECTED = {
    "vgg16": Expectation(224, "caffe"),
    "vgg19": Expectation(224, "caffe"),
    "resnet50-keras": Expectation(224, "caffe"),
    "resnet50v2-keras": Expectation(224, "tf"),
    "inceptionv3-keras": Expectation(299, "tf"),
    "mobilenet-keras": Expectation(224, "tf"),
}


def application(spec: ModelSpec) -> Published | None:
    """Return the file that is published for a network registered here; None where there is none.

    Raises:
        SpecError: if weights are published for this network, but not of this width.
    """
    if spec.name != "mobilenet-keras":
        return _APPLICATIONS.get(spec.name)
    width = spec.options.get("alpha", 1.0)
    if width not in _MOBILENET:
        raise SpecError(
            f"{spec.name}: no weights are published for alpha {width}; "
            f"choose from {', '.join(map(str, _MOBILENET))}, or weights: random"
        )
    return _MOBILENET[float(width)]


def expected_by(name: str) -> Expectation | None:
    """Return what the weights of one of Keras's applications expect; None for the other networks registered here."""
    return _EXPECTED.get(name)


def published_names() -> tuple[str, ...]:
    """Return the names of the networks that weights are published for."""
    return tuple(_EXPECTED)


def keras_cache() -> Path:
    """Return the folder where Keras keeps what it downloads."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models"
