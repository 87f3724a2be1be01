"""Parameters of the networks against the figures of the papers and documents they are from."""

import pytest
import torch

from bakeoff.models import networks
from bakeoff.models.summary import count_parameters

# name, options, channels, size: total, trainable, non-trainable, as Keras printed them for 10 classes
DOCUMENTS = [
    ("alexnet-bn", {}, 3, 224, (48_930_210, 48_909_074, 21_136)),
    ("vgg16-gap", {}, 3, 224, (33_638_218, 33_638_218, 0)),
    ("vgg-small", {}, 3, 32, (552_874, 551_722, 1_152)),
    ("leaky-cnn", {}, 3, 32, (2_105_066, 2_105_066, 0)),
    ("leaky-cnn-dropout", {}, 3, 32, (2_105_066, 2_105_066, 0)),
    ("leaky-cnn-deep", {}, 3, 32, (1_084_234, 1_084_234, 0)),
    ("simcnn", {}, 3, 32, (122_570, 122_570, 0)),
    ("vgg16-dense", {}, 1, 28, (33_637_066, 33_637_066, 0)),
    ("vgg16-dense", {"last_pool": 1}, 1, 28, (33_637_066, 33_637_066, 0)),
    ("vgg16-dense", {}, 3, 32, (33_638_218, 33_638_218, 0)),
    ("resnet50-biased", {}, 1, 28, (26_313_218, 26_267_778, 45_440)),
]

# name, options, size: total, trainable, non-trainable of Keras's application without its top
BACKBONES = [
    ("vgg16", {}, 32, (14_714_688, 14_714_688, 0)),
    ("vgg19", {}, 32, (20_024_384, 20_024_384, 0)),
    ("resnet50-keras", {}, 32, (23_587_712, 23_534_592, 53_120)),
    ("resnet50v2-keras", {}, 32, (23_564_800, 23_519_360, 45_440)),
    ("inceptionv3-keras", {}, 75, (21_802_784, 21_768_352, 34_432)),
    ("mobilenet-keras", {"alpha": 0.25}, 32, (218_544, 213_072, 5_472)),
    ("mobilenet-keras", {}, 32, (3_228_864, 3_206_976, 21_888)),
]

# name, options, classes, channels, size: trainable parameters
PAPERS = [
    ("lenet5", {}, 10, 1, 28, 61_706),
    ("lenet5", {}, 10, 1, 32, 61_706),
    ("resnet20", {}, 10, 3, 32, 269_722),  # 0.27 M
    ("resnet32", {}, 10, 3, 32, 464_154),  # 0.46 M
    ("resnet44", {}, 10, 3, 32, 658_586),  # 0.66 M
    ("resnet56", {}, 10, 3, 32, 853_018),  # 0.85 M
    ("resnet110", {}, 10, 3, 32, 1_727_962),  # 1.7 M
    # He et al. print no parameters of these; theirs are without those of projections where shortcuts pad
    ("resnet50-2015", {}, 1000, 3, 224, 25_557_032),
    ("resnet101-2015", {}, 1000, 3, 224, 44_549_160),
    ("resnet152-2015", {}, 1000, 3, 224, 60_192_808),
    ("resnet18-2015", {}, 1000, 3, 224, 11_689_512 - 172_032 - 2 * (128 + 256 + 512)),
    ("resnet34-2015", {}, 1000, 3, 224, 21_797_672 - 172_032 - 2 * (128 + 256 + 512)),
    ("resnet18-32px", {}, 10, 3, 32, 11_173_962),
    ("vgg11", {"top": "classic"}, 1000, 3, 224, 132_863_336),  # 133 M
    ("vgg13", {"top": "classic"}, 1000, 3, 224, 133_047_848),  # 133 M
    ("vgg16", {"top": "classic"}, 1000, 3, 224, 138_357_544),  # 138 M
    ("vgg19", {"top": "classic"}, 1000, 3, 224, 143_667_240),  # 144 M
    ("googlenet", {}, 1000, 3, 224, 7_005_832),  # about 7 M
]


def built(name, classes, channels, size, options):
    with torch.device("meta"):
        return networks.get(name).build(classes, channels, size, **options)


@pytest.mark.parametrize(("name", "options", "channels", "size", "expected"), DOCUMENTS)
def test_documents(name, options, channels, size, expected):
    count = count_parameters(built(name, 10, channels, size, options))
    assert (count.total, count.trainable, count.non_trainable) == expected


@pytest.mark.parametrize(("name", "options", "size", "expected"), BACKBONES)
def test_backbones(name, options, size, expected):
    count = count_parameters(built(name, 10, 3, size, options).backbone)
    assert (count.total, count.trainable, count.non_trainable) == expected


@pytest.mark.parametrize(("name", "options", "classes", "channels", "size", "expected"), PAPERS)
def test_papers(name, options, classes, channels, size, expected):
    assert count_parameters(built(name, classes, channels, size, options)).trainable == expected
