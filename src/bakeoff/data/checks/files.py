"""Files that were passed over, and photos of which little is seen."""

from collections.abc import Iterator

from bakeoff.data.checks import Finding, Parted, plural, register

SHOWN = 5


@register("files", "classes")
def files(data: Parted) -> Iterator[Finding]:
    """Tell of what the source put aside: its provenance holds it."""
    seen = data.images.provenance
    if skipped := seen.get("skipped"):
        yield Finding(
            "files",
            grave=False,
            count=len(skipped),
            what=f"{plural(len(skipped), 'image is', 'images are')} left out, because unreadable",
            advice="mend or remove them",
            examples=tuple(f"{one['name']} {one['reason']}" for one in skipped[:SHOWN]),
        )
    if ignored := seen.get("ignored"):
        yield Finding(
            "files",
            grave=False,
            count=ignored["count"],
            what=f"{plural(ignored['count'], 'file is', 'files are')} no part of the data set: outside of a class's"
            " folder, or no image",
            advice="move images into the folder of their class",
            examples=tuple(ignored["names"][:SHOWN]),
        )
    if nested := seen.get("nested"):
        yield Finding(
            "files",
            grave=False,
            count=nested["count"],
            what=f"{plural(nested['count'], 'folder with images lies', 'folders with images lie')} within the folder of"
            " a class, whose images they count as",
            advice="check that they are no classes of their own",
            examples=tuple(nested["names"][:SHOWN]),
        )
    if long := seen.get("long"):
        yield Finding(
            "files",
            grave=False,
            count=long["count"],
            what=f"{plural(long['count'], 'photo is', 'photos are')} three times as long as wide or more: much of them"
            " is cut off or squashed",
            advice="cut them yourself, or set fit: pad in a study file",
            examples=tuple(long["names"][:SHOWN]),
        )
