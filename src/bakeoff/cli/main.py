"""The program `bakeoff`."""

import sys

import typer

from bakeoff import __version__
from bakeoff.errors import BakeoffError

app = typer.Typer(
    name="bakeoff",
    help="Compare image classifiers: which model to use, whether the difference is real, and what it costs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bakeoff {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


def main() -> None:
    """Run the command line; a mistake of the user is one sentence on stderr and exit status 1, or 2 for flags."""
    from bakeoff.cli import commands

    commands.register(app)
    try:
        sys.exit(app(sys.argv[1:] or ["--help"], standalone_mode=False))
    except BakeoffError as error:
        from bakeoff.cli.console import complain

        complain(str(error))
        sys.exit(1)
    except typer.TyperException as error:
        from bakeoff.cli.console import complain
        from bakeoff.cli.usage import sentence

        complain(sentence(error))
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of a pipe has gone, such as `head`
        sys.stderr.close()
        sys.exit(0)
