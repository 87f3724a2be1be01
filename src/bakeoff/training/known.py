"""Which modules are known to compute and do nothing else."""

from types import FunctionType

from torch import nn

_ORIGINS = ("torch.", "bakeoff.")


def known(module: nn.Module) -> bool:
    """Whether a module, apart from those in it, is torch's or ours as it was written.

    Others may draw Python's own random numbers in their forward pass, or count; and hooks, functions that were handed
    over and another `forward` may do so in one of torch's.
    """
    functions = [value for value in vars(module).values() if isinstance(value, FunctionType)]
    watchers: list[object] = [
        module._forward_hooks,
        module._forward_pre_hooks,
        module._backward_hooks,
        module._backward_pre_hooks,
    ]
    for weight in module.parameters(recurse=False):
        watchers += [weight._backward_hooks, getattr(weight, "_post_accumulate_grad_hooks", None)]
    return (
        all(str(whose.__module__).startswith(_ORIGINS) for whose in (type(module), *functions))
        and "forward" not in vars(module)
        and not any(watchers)
    )
