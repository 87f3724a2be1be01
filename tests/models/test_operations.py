"""Multiply-accumulates, against the figures of papers and of libraries."""

import pytest
import torch
from torch import nn

from bakeoff.errors import ModelError
from bakeoff.models.library import outline
from bakeoff.models.operations import count_macs
from bakeoff.specs.model import ModelSpec

PUBLISHED = [  # in millions, with the number of classes
    ("torchvision:resnet18", 224, 1000, 1814),  # torchvision's page: 1.81 GFLOPS, which are multiply-accumulates
    ("torchvision:resnet50", 224, 1000, 4089),  # torchvision: 4.09
    ("torchvision:vgg16", 224, 1000, 15470),  # torchvision: 15.47; Simonyan & Zisserman 2015
    ("resnet20", 32, 10, 41),  # Idelbayev's table for He et al. 2015: 41 M
    ("resnet56", 32, 10, 126),  # the same
    ("resnet110", 32, 10, 253),  # the same
    ("mobilenet-keras", 224, 1000, 569),  # Howard et al. 2017, table 4
    ("timm:mobilenetv3_large_100", 224, 1000, 219),  # Howard et al. 2019
    ("timm:efficientnet_b0", 224, 1000, 390),  # Tan & Le 2019
    ("timm:vit_base_patch16_224", 224, 1000, 17564),  # torchvision's vit_b_16: 17.56
    ("torchvision:vit_b_16", 224, 1000, 17564),
]


@pytest.mark.parametrize(("name", "size", "classes", "millions"), PUBLISHED)
def test_published_figures(name: str, size: int, classes: int, millions: float):
    found = count_macs(outline(ModelSpec(name=name), classes, 3, size), 3, size)
    assert found / 1e6 == pytest.approx(millions, rel=0.012)


def test_every_layer_by_hand_and_twice_the_same():
    network = nn.Sequential(
        nn.Conv2d(2, 6, 3, stride=2, groups=2, bias=True),  # 8 -> 3: 6 x 3 x 3 outputs of 1 x 3 x 3 products
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(54, 5),
    )
    expected = 6 * 9 * 9 + 54 * 5
    assert [count_macs(network, 2, 8) for _ in range(2)] == [expected, expected]
    assert network.training
    assert network[1].num_batches_tracked == 0


def test_attention_counts_also_where_torch_takes_its_fast_path():
    class Attends(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(12, 3, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            tokens = x.flatten(2).transpose(1, 2).repeat(1, 1, 4)  # (B, 16, 12)
            return self.attention(tokens, tokens, tokens, need_weights=False)[0].mean(1)

    tokens, width = 16, 12
    assert count_macs(Attends(), 3, 4) == 4 * tokens * width**2 + 2 * tokens**2 * width
    assert torch.backends.mha.get_fastpath_enabled()


def test_a_network_that_cannot_take_the_image_is_one_sentence():
    with pytest.raises(ModelError, match="cannot take images of 4x4 pixels"):
        count_macs(nn.Sequential(nn.Conv2d(3, 3, 5)), 3, 4)
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.parametrize(
    ("depth", "printed"),
    [(18, 1.8), (34, 3.6), (50, 3.8), (101, 7.6), (152, 11.3)],  # He et al. 2016, table 1, with digits cut off
)
def test_the_resnets_of_the_paper_compute_what_it_prints(depth: int, printed: float):
    found = count_macs(outline(ModelSpec(name=f"resnet{depth}-2015"), 1000, 3, 224), 3, 224)
    assert printed - 0.05 <= found / 1e9 < printed + 0.1
