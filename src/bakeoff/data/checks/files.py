"""Files that were passed over, and photos of which little is seen."""

from collections.abc import Iterator, Sequence

from bakeoff.data.checks import Finding, Parted, plural, register

SHOWN = 5
PASSED_OVER = {  # in the provenance: nouns, what is said of them, and advice
    "unread": (
        ("image is", "images are"),
        "left out, of a format that is not read",
        "convert them to PNG or JPEG",
    ),
    "ignored": (
        ("file is", "files are"),
        "no part of the data set: outside of a class's folder, or no image",
        "move images into the folder of their class",
    ),
    "nested": (
        ("folder with images lies", "folders with images lie"),
        "within the folder of a class, whose images they count as",
        "check that they are no classes of their own",
    ),
    "long": (
        ("photo is", "photos are"),
        "three times as long as wide or more: much of them is cut off or squashed",
        "cut them yourself, or set fit: pad in a study file",
    ),
}


@register("files", "classes")
def files(data: Parted) -> Iterator[Finding]:
    """Tell of what the source put aside: its provenance holds it."""
    seen = data.images.provenance
    if skipped := seen.get("skipped"):
        yield _finding(
            len(skipped),
            ("image is", "images are"),
            "left out, because unreadable",
            "mend or remove them",
            [f"{one['name']} {one['reason']}" for one in skipped],
        )
    for kind, words in PASSED_OVER.items():
        if found := seen.get(kind):
            yield _finding(found["count"], *words, found["names"], grave=kind == "unread")


def _finding(
    count: int, nouns: tuple[str, str], what: str, advice: str, names: Sequence[str], grave: bool = False
) -> Finding:
    return Finding(
        "files",
        grave=grave,
        count=count,
        what=f"{plural(count, *nouns)} {what}",
        advice=advice,
        examples=tuple(names[:SHOWN]),
    )
