"""Tied groups as letters: models that share a letter cannot be told apart.

Being tied is not transitive: a with b, b with c, and yet a better than c. Letters show that (a, ab, b) where groups
cannot.
"""

from collections.abc import Collection, Iterator, Sequence
from string import ascii_letters


def compact_letters(ranked: Sequence[str], different: Collection[tuple[str, str]]) -> dict[str, str]:
    """Return the letters of each model; two models share a letter if and only if they are not different.

    The groups are the largest sets of models of which no two differ, as Piepho's (2004, Journal of Computational and
    Graphical Statistics 13). They are the maximal cliques of the graph of ties.

    Args:
        ranked: names, the best first; the letter a goes to the group with the best.
        different: pairs of names that differ, in either order.
    """
    place = {name: index for index, name in enumerate(ranked)}
    ties = [{*range(len(ranked))} - {index} for index in range(len(ranked))]
    for first, second in different:
        ties[place[first]].discard(place[second])
        ties[place[second]].discard(place[first])
    groups = list(_cliques(ties)) if ranked else []
    groups.sort(key=sorted)
    return {
        name: "".join(_letter(number) for number, group in enumerate(groups) if index in group)
        for index, name in enumerate(ranked)
    }


def _cliques(ties: Sequence[set[int]]) -> Iterator[set[int]]:
    """Yield the maximal cliques (Bron & Kerbosch 1973; with the pivots of Tomita, Tanaka & Takahashi 2006)."""
    found: list[tuple[set[int], set[int], set[int]]] = [(set(), {*range(len(ties))}, set())]
    while found:
        group, more, done = found.pop()  # `more` and `done` are tied with all of the group; those of `done` are out
        everywhere = {one for one in more if len(more & ties[one]) == len(more) - 1}
        group, more = group | everywhere, more - everywhere
        done = done.intersection(*(ties[one] for one in everywhere))
        if not more:
            if not done:
                yield group
            continue
        pivot = max(more | done, key=lambda one: len(more & ties[one]))
        for one in more - ties[pivot]:
            found.append((group | {one}, more & ties[one], done & ties[one]))
            more, done = more - {one}, done | {one}


def _letter(number: int) -> str:
    return ascii_letters[number] if number < len(ascii_letters) else f"({number + 1})"
