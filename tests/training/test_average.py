"""Averages of weights, each against its formula."""

import torch
from toys import toy_network

from bakeoff.training.average import Lookahead, WeightAverage


def test_the_average_is_the_formula():
    model = toy_network()
    average = WeightAverage(model, 0.9)
    expected = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for step in range(1, 200):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter))
            model[1].running_mean.add_(1)
            model[1].num_batches_tracked.add_(1)
        average.update(step)
        decay = min(0.9, step / (step + 10))
        for name, tensor in model.state_dict().items():
            expected[name] = tensor if not tensor.is_floating_point() else expected[name].lerp(tensor, 1 - decay)
    for name, tensor in average.model.state_dict().items():
        torch.testing.assert_close(tensor, expected[name])


def test_lookahead_goes_back_to_its_slow_weights_every_fifth_step():
    model = toy_network()
    lookahead = Lookahead(model, 20)
    slow = weight = model[0].weight.detach().clone()
    for step in range(1, 21):
        with torch.no_grad():
            model[0].weight.add_(1)
        weight = weight + 1
        lookahead.update(step)
        if step % 5 == 0:
            slow = weight = weight.lerp(slow, 0.95**5 * (step / 20) ** 3)
        torch.testing.assert_close(model[0].weight.detach(), weight)
        torch.testing.assert_close(lookahead.model[0].weight, slow)
