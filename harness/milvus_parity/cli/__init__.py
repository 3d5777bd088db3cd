"""The command line. Each command has a file; they are imported when they are called, so that ``--help`` is instant."""

import importlib
import signal
import sys
from collections.abc import Sequence

import click

from milvus_parity import __version__

COMMANDS = {
    "run": "Run the scenarios through all SDKs that can run here, and compare.",
    "list": "List scenarios, cases, targets, and what is available here.",
    "render": "Show the snippets or the programs of a scenario.",
    "report": "Report a stored run again.",
    "replay": "Judge a stored run with today's ledger and rules.",
    "diff": "Say what changed between two runs, or between the versions in one.",
    "bisect": "Find the release of an SDK in which a case changed.",
    "known": "List, write, renew and remove entries of the ledger of known differences.",
    "merge": "Join the shards of a run.",
    "docs": "Check documentation pages by running them.",
    "images": "Build, list and remove the images of the container runtime.",
    "clean": "Remove what killed runs have left behind.",
    "doctor": "Say what this machine has, what is missing, and how to get it.",
    "schema": "Print the JSON Schemas of scenarios, runs and reports.",
}
"""Command -> what it does, in the order of ``--help``. The module of a command has its name."""


class Commands(click.Group):
    """Commands that are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """All commands, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the module of a command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"milvus_parity.cli.{cmd_name}_command")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The table of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command when there is none of that name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"There is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="milvus-parity")
def group() -> None:
    """Show where the Milvus SDKs of five languages drift apart.

    Scenario files describe behaviour once; each SDK gets an idiomatic snippet of it; all run against one Milvus; what
    they gave back, what the server held and what went over the wire is compared.

    Exit status: 0 all as expected or pinned, 1 a difference or a failed expectation, 2 bad usage or input, 3 could not
    run, 4 a ledger entry no longer holds.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: errors are sentences, and the exit status means what ``--help`` says."""
    from milvus_parity.model.errors import ExitCode, ParityError

    # What is told to stop takes away what it made, as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda _number, _frame: signal.raise_signal(signal.SIGINT))
    try:
        status = group.main(args=list(arguments) if arguments is not None else None, standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.BAD_INPUT)
    except ParityError as error:
        click.echo(f"milvus-parity: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(ExitCode.COULD_NOT_RUN)
    sys.exit(status if isinstance(status, int) else 0)
