"""`bakeoff data`."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option


def data(
    name: Annotated[
        str, Argument(help="A data set's name, a folder of images, an .npz file, or owner/name on the hub.")
    ],
    preview: Annotated[
        Path | None,
        Option(
            help="Write a picture (PNG, JPEG, PDF or SVG): samples, and what augmentation does.", show_default=False
        ),
    ] = None,
    recipe: Annotated[
        str | None, Option(help="Show this recipe's augmentation in the picture.", show_default=False)
    ] = None,
    imgsz: Annotated[int | None, Option(help="Side in pixels to decode photos to.", show_default=False)] = None,
    data_dir: Annotated[Path | None, Option(help="A folder that holds data sets.", show_default=False)] = None,
    check: Annotated[
        bool,
        Option(
            help="List every unreadable image; look for copies across parts, wrong labels, uneven classes and more, and"
            " print the findings."
        ),
    ] = False,
    skip_bad: Annotated[bool, Option(help="Leave out unreadable images.")] = False,
    offline: Annotated[bool, Option(help="Refuse to download.")] = False,
) -> None:
    """Print what a data set is: images, classes, parts and where they come from; on request, a picture of it."""
    from bakeoff.cli.console import echo
    from bakeoff.cli.dataset import describe, print_findings, print_unreadable
    from bakeoff.data.examine import examine
    from bakeoff.data.load import load, unreadable
    from bakeoff.data.locations import Locations
    from bakeoff.errors import SpecError
    from bakeoff.report.pictures import check_picture, write_pictures
    from bakeoff.specs.arguments import flag, naming_arguments
    from bakeoff.specs.data import DataSpec
    from bakeoff.specs.library import find_recipe
    from bakeoff.specs.protocol import Protocol

    if recipe and not preview:
        raise SpecError("--recipe shows its augmentation in the picture; give --preview FILE.png as well")
    specs = find_recipe(recipe).augment if recipe else ()
    with naming_arguments({"data": name, "imgsz": imgsz}, flag):
        spec = DataSpec.parse({"name": name, "image_size": imgsz, "skip_bad": skip_bad or check}, "data")
    if preview:
        check_picture(preview)
    where = Locations(data_dir=data_dir, offline=offline)
    if check:
        print_unreadable(unreadable(spec, where))
    images = load(spec, where)
    split = describe(images, spec)
    if check:
        print_findings(examine(images, spec, Protocol(), where.cache, thorough=True))
    if preview:
        write_pictures(images, split.train, specs, preview)
        echo(preview)
