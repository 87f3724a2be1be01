"""Tied groups as letters: models that share a letter cannot be told apart.

Being tied is not transitive: a with b, b with c, and yet a better than c. Letters show that (a, ab, b) where groups
cannot.
"""

from collections.abc import Collection, Sequence
from string import ascii_letters


def compact_letters(ranked: Sequence[str], different: Collection[tuple[str, str]]) -> dict[str, str]:
    """Return the letters of each model; two models share a letter if and only if they are not different.

    Insert and absorb (Piepho 2004, Journal of Computational and Graphical Statistics 13): start with one group of all,
    split every group at every pair that differs, and drop what another group holds. The groups are the largest sets
    of models of which no two differ.

    Args:
        ranked: names, the best first; the letter a goes to the group with the best.
        different: pairs of names that differ, in either order.
    """
    groups = [frozenset(range(len(ranked)))] if ranked else []
    place = {name: index for index, name in enumerate(ranked)}
    for first, second in different:
        groups = _split(groups, place[first], place[second])
    groups.sort(key=sorted)
    return {
        name: "".join(_letter(number) for number, group in enumerate(groups) if index in group)
        for index, name in enumerate(ranked)
    }


def _split(groups: list[frozenset[int]], first: int, second: int) -> list[frozenset[int]]:
    """Insert a difference: no group may hold both. Absorb: no group may lie within another."""
    parts = [
        part
        for group in groups
        for part in ((group - {first}, group - {second}) if {first, second} <= group else (group,))
    ]
    return [part for part in dict.fromkeys(parts) if not any(part < other for other in parts)]


def _letter(number: int) -> str:
    return ascii_letters[number] if number < len(ascii_letters) else f"({number + 1})"
