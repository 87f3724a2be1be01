"""Images without the border that nothing depends on: outputs and gradients stay, and what somebody looks at too."""

import copy
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from bakeoff.models.library import build
from bakeoff.models.operations import count_macs
from bakeoff.specs.model import ModelSpec
from bakeoff.training.cropping import CroppedRow
from bakeoff.training.lean import lean

sides = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def rows_of_layers(draw: st.DrawFn) -> nn.Sequential:
    """Return a row of convolutions, poolings and what stands between them, some of it with padding."""
    layers: list[nn.Module] = []
    for _ in range(draw(st.integers(1, 4))):
        kernel, stride, padding = draw(sides), draw(sides), draw(st.sampled_from([0, 0, 0, 1]))
        padding = min(padding, *(side // 2 for side in kernel))
        makers: list[Callable[[], nn.Module]] = [
            lambda kernel=kernel, stride=stride, padding=padding: nn.Conv2d(2, 2, kernel, stride, padding),
            lambda kernel=kernel, dilation=stride: nn.Conv2d(2, 2, kernel, dilation=dilation),
            lambda kernel=kernel, stride=stride, padding=padding: nn.MaxPool2d(kernel, stride, padding),
            lambda kernel=kernel, stride=stride: nn.AvgPool2d(kernel, stride, ceil_mode=draw(st.booleans())),
        ]
        layers.append(draw(st.sampled_from(makers))())
        layers.append(draw(st.sampled_from([nn.ReLU, nn.GELU, nn.Identity, lambda: nn.BatchNorm2d(2)]))())
    if draw(st.booleans()):
        layers = [nn.Sequential(*layers[:2]), *layers[2:]]
    return nn.Sequential(*layers)


@given(plain=rows_of_layers(), size=st.tuples(st.integers(8, 20), st.integers(8, 20)), seed=st.integers(0, 9))
def test_outputs_and_gradients_stay(plain: nn.Sequential, size: tuple[int, int], seed: int) -> None:
    torch.manual_seed(seed)
    images = torch.randn(3, 2, *size, dtype=torch.float64).to(memory_format=torch.channels_last)
    found: list[list[Tensor]] = []
    for model in (plain.double(), lean(copy.deepcopy(plain).double())):
        try:
            output = model(images)
        except (RuntimeError, ValueError):  # nothing is left of such small images; then there is nothing for either
            found.append([])
            continue
        if output.requires_grad:
            output.square().sum().backward()
        found.append([output, *(weight.grad for weight in model.parameters() if weight.grad is not None)])
    for expected, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours, expected)


def seen(model: nn.Module, images: Tensor) -> list[tuple[int, ...]]:
    """Return the shapes of what convolutions of a network put out, of which it does not know that somebody looks."""
    shapes = []
    convolve = torch.nn.functional.conv2d

    def noted(*inputs: object, **settings: object) -> Tensor:
        output: Tensor = convolve(*inputs, **settings)  # type: ignore[arg-type]
        shapes.append(tuple(output.shape[2:]))
        return output

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.nn.functional, "conv2d", noted)
        model(images)
    return shapes


def test_simcnn_computes_no_pixel_that_its_poolings_leave_out() -> None:
    model = build(ModelSpec(name="simcnn"), 10, 3, 32)
    images = torch.randn(2, 3, 32, 32)
    assert seen(model, images) == [(30, 30), (13, 13), (4, 4)]
    assert seen(lean(model), images) == [(28, 28), (12, 12), (4, 4)]


def test_images_that_are_looked_at_stay_whole() -> None:
    model, images = lean(build(ModelSpec(name="simcnn"), 10, 3, 32)), torch.randn(2, 3, 32, 32)
    assert isinstance(model, CroppedRow)
    assert seen(model, images.clone().requires_grad_())[0] == (30, 30)
    handle = model[0].register_forward_hook(lambda *_: None)
    assert seen(model, images)[0] == (30, 30)
    handle.remove()
    model.register_forward_hook(lambda *_: None)  # of the whole row, for whose output nothing changes
    assert seen(model, images)[0] == (28, 28)
    assert seen(model.eval(), images)[0] == (30, 30)


def test_what_a_network_computes_is_counted_whole() -> None:
    plain = build(ModelSpec(name="simcnn"), 10, 3, 32)
    assert count_macs(lean(copy.deepcopy(plain)), 3, 32) == count_macs(plain, 3, 32)


def test_what_stands_in_a_row_and_is_looked_at_stays_whole() -> None:
    row = lean(nn.Sequential(nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU()), nn.AvgPool2d(2)))
    images, shapes = torch.randn(2, 3, 33, 33), []
    row[0].register_forward_hook(lambda _module, _inputs, output: shapes.append(output.shape[2:]))
    row(images)
    assert shapes == [(31, 31)]


def test_an_image_that_is_changed_in_place_is_changed_whole() -> None:
    images = torch.randn(2, 3, 33, 33)
    lean(nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(3, 2, 3), nn.MaxPool2d(2), nn.Conv2d(2, 2, 3, 2)))(images)
    assert images.min() == 0


def test_an_image_on_which_nothing_is_computed_twice_stays_whole() -> None:
    """A window by itself leaves out what does not fit; to crop that would be a copy for nothing."""
    row = nn.Sequential(nn.Conv2d(3, 2, 4, 4), nn.BatchNorm2d(2))
    assert type(lean(row)) is nn.Sequential


@pytest.mark.parametrize(
    "row",
    [
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d((2,))),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d([2, 2], (2,))),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.AvgPool2d((2,), ())),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2, return_indices=True)),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2, return_indices=True)),
    ],
)
def test_poolings_that_are_written_otherwise_or_ask_for_places_are_torchs(row: nn.Sequential) -> None:
    images = torch.randn(2, 3, 33, 33)
    expected, found = row(images), lean(copy.deepcopy(row))(images)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    "row",
    [
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()),
        nn.Sequential(nn.ReLU(), nn.Conv2d(3, 4, 3), nn.MaxPool2d(2)),
        nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(2)),
        nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3), nn.MaxPool2d(2)),
        nn.Sequential(type("Own", (nn.Conv2d,), {})(3, 4, 3), nn.MaxPool2d(2)),
        type("Own", (nn.Sequential,), {})(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2)),
    ],
)
def test_rows_that_see_everything_or_are_not_known_stay(row: nn.Sequential) -> None:
    assert type(lean(row)) is type(row)
