"""Models that were tried in several settings: which of these validation chooses.

The best of many tries is best by luck, too, and its figure is too high for that (Cawley & Talbot 2010, JMLR 11). So the
choice is made by validation images, never by the test set.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from bakeoff.study.variants import Variant


@dataclass(frozen=True)
class Tuning:
    """A model and the settings in which it was tried; one of them where nothing was tuned."""

    model: str
    settings: tuple[Variant, ...]

    @property
    def runs(self) -> int:
        """Finished runs of all settings."""
        return sum(len(setting.finished) for setting in self.settings)

    @property
    def chosen(self) -> Variant | None:
        """The setting with the best mean validation accuracy; None where no run has one.

        Only settings with the most finished runs are looked at, since a mean of fewer is high by luck more easily.
        """
        most = max(len(setting.finished) for setting in self.settings)
        if most and len(self.settings) == 1:
            return self.settings[0]
        known = [setting for setting in self.settings if len(setting.finished) == most and validation(setting)]
        return max(known, key=lambda setting: validation(setting) or 0.0, default=None)


def tunings(variants: Iterable[Variant]) -> tuple[Tuning, ...]:
    """Return one tuning per model, in the order in which they first appear."""
    groups: dict[str, list[Variant]] = {}
    for variant in variants:
        groups.setdefault(variant.model, []).append(variant)
    return tuple(Tuning(model, tuple(settings)) for model, settings in groups.items())


def chosen_names(variants: Iterable[Variant]) -> tuple[str, ...]:
    """Return the names of the settings that are chosen, of every model that has one."""
    return tuple(tuning.chosen.name for tuning in tunings(variants) if tuning.chosen)


def standing(variants: Iterable[Variant]) -> tuple[Variant, ...]:
    """Return what an answer is about: of every model the chosen setting, or all where none is chosen."""
    return tuple(
        one for tuning in tunings(variants) for one in ((tuning.chosen,) if tuning.chosen else tuning.settings)
    )


def validation(variant: Variant) -> float | None:
    """Return the mean validation accuracy of the finished runs; None where there is none."""
    found = [run.metrics["val"]["accuracy"] for run in variant.finished if "val" in run.metrics]
    return sum(found) / len(found) if found else None
