"""The program `tidegate`. It imports one command's module, that of the command asked for: `--help` is there at once."""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Annotated, Any

import typer
import typer.core

from tidegate.core.vocabulary import errors
from tidegate.interface.cli import exits, table

EPILOG = (
    "Exit codes: 0 done; 1 unexpected; 2 usage, file or model not right; 3 refused or failed; 4 waiting for a person, or "
    "timeout; 5 rolled back; 6 not up or unreachable."
)
HELP = "Deliver machine-learning models to production safely: releases that watch every prediction and roll back by themselves."


class Listed(typer.core.TyperGroup):
    """The program, whose help lists the commands by what they are for."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 -- as it is called
        """Write them, part by part."""
        for part, names in table.PARTS.items():
            with formatter.section(part):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(80)) for name in names], col_max=16)


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command and exit with its code. Errors of ours are one line on standard error, never a stack."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    sys.exit(run(arguments))


def run(arguments: Sequence[str]) -> int:
    """Run a command; returns its exit code."""
    named = next((one for one in arguments if not one.startswith("-")), "")
    try:
        ended = build(named)(args=list(arguments), prog_name="tidegate")
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else exits.Exit.UNEXPECTED
    except errors.TidegateError as failed:
        complain(failed)
        return exits.of_error(failed)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # Whoever read our output has gone; the interpreter would complain once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except Exception as bug:
        if os.environ.get("TIDEGATE_DEBUG"):
            raise
        complain(
            errors.TidegateError(
                f"{type(bug).__name__}: {bug}.", cure="With TIDEGATE_DEBUG=1 the stack is shown; please report it."
            )
        )
        return exits.Exit.UNEXPECTED
    return int(ended or exits.Exit.OK)


def build(named: str = "") -> typer.Typer:
    """The program with the function of the command `named`; of the others only their names and help. "*": all of them."""
    program = typer.Typer(
        cls=Listed,
        help=HELP,
        epilog=EPILOG,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    program.callback()(_about)
    for name, (_, words) in table.COMMANDS.items():
        function = table.load(name) if named in {name, "*"} else _stub(words)
        program.command(name, short_help=words, epilog=EPILOG)(function)
    return program


def complain(error: errors.TidegateError) -> None:
    """One line: error[code]: where: message cure."""
    line = " ".join(f"error[{error.code}]: {error}".split())
    sys.stderr.write(f"{line}\n")


def _about(version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False) -> None:
    if version:
        sys.stdout.write(f"tidegate {metadata.version('tidegate')}\n")
        raise typer.Exit


def _stub(words: str) -> Callable[[], Any]:
    def stub() -> None:
        raise AssertionError(words)

    stub.__doc__ = words
    return stub


if __name__ == "__main__":
    main()
