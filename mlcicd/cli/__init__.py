"""The command line: one file per verb, imported on use; errors are printed here and nowhere else."""

from __future__ import annotations

import errno
import importlib
import signal
import sys
from typing import Any

import click

from mlcicd import __version__
from mlcicd.errors import MlcicdError, OutsideError

# verb → help line; the module is mlcicd.cli.<verb>, the function has the verb's name.
VERBS = {
    "demo": "Make an example repository and run its pull-request pipeline here.",
    "init": "Look at this repository and write a commented mlcicd.yaml.",
    "plan": "Show the effective configuration and the jobs it becomes.",
    "lint": "Judge CI files of any origin by the rules that other linters lack.",
    "generate": "Write the CI files of every platform from mlcicd.yaml.",
    "migrate": "Bring an older mlcicd.yaml to the version that this mlcicd reads.",
    "eject": "Hand the generated files over: yours from then on.",
    "pins": "Show or renew the commits and digests that the CI files name.",
    "run": "Execute the pipeline here, each job in a clean clone.",
    "schema": "Print the JSON Schema of mlcicd.yaml.",
    "setup": "Make the project's environment (runs project.install).",
    "gpu": "Look whether training will have a usable GPU, and say what is missing.",
    "data": "Fetch the DVC data that a job needs, and verify it.",
    "status": "Tell whether code, data, parameters, lock and metrics agree.",
    "validate": "Judge the data: checkpoints, suites and built-in checks.",
    "test": "Run the project's tests and record the result.",
    "train": "Train, and record stages, time and hardware.",
    "step": "Run a step or job of the team's own, and record the result.",
    "lock": "Bring dvc.lock and the metrics of training back to the branch.",
    "report": "Compare with the base, judge the gates, write the report.",
    "comment": "Post report.json as one comment on the pull request.",
}

# What a disk or its owner refuses is no bug of ours, wherever it happens.
_DISK = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOTDIR, errno.EISDIR}
)


class Verbs(click.Group):
    """A group that knows its verbs' names and help lines without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order a person meets them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb's module.

        Every option can be given by environment (`MLCICD_<VERB>_<OPTION>`, empty means not given): that is how our
        actions hand over their inputs, so that no value ever stands in a shell script.
        """
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"mlcicd.cli.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        for option in command.params:
            if isinstance(option, click.Option):
                option.envvar = f"MLCICD_{cmd_name}_{option.opts[0].removeprefix('--')}".upper().replace("-", "_")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Print the table above, so that `--help` imports nothing."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="mlcicd")
def cli() -> None:
    """Trustworthy CI/CD for a machine-learning repository, from one mlcicd.yaml."""


def main(args: list[str] | None = None) -> None:
    """Run the command line; the only place that prints errors and chooses the exit code."""
    try:
        code: Any = cli.main(args=args, prog_name="mlcicd", standalone_mode=False)
    except MlcicdError as error:
        explain(error)
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort) as error:
        click.echo("stopped", err=True)
        code = _stopped(error)
    except Exception as error:
        told = _disk(error) if isinstance(error, OSError) and error.errno in _DISK else _bug(error)
        explain(told)
        code = told.exit_code
    sys.exit(code if isinstance(code, int) else 0)


def _stopped(error: BaseException) -> int:
    """Return 128 and the number of the signal that stopped us; click wraps what its handler raised."""
    number = next(iter((error.__cause__ or error).args), signal.SIGINT)
    return 128 + number if isinstance(number, int) else 128 + signal.SIGINT


def _disk(error: OSError) -> OutsideError:
    place = error.filename if isinstance(error.filename, str) else "the output"
    return OutsideError(
        f"{place}: cannot be read or written: {error.strerror}",
        hint="make sure that this user may read and write there, and that the disk has room; then run this again",
    )


def _bug(error: Exception) -> MlcicdError:
    """What nobody foresaw is our fault: say so in words, and keep the traceback for whoever repairs it."""
    import traceback
    from pathlib import Path

    from mlcicd import secrets, workfolder

    lines = traceback.format_exception(error)
    try:
        log = workfolder.make() / "crash.log"
        log.write_text(secrets.hide("".join(lines)), encoding="utf-8")
        where = f"the whole traceback is in {log}"
    except (OSError, MlcicdError):
        where = "the traceback could not be written here"
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return MlcicdError(
        f"this is a bug in mlcicd {__version__}: {type(error).__name__} in {Path(frame.filename).name}:{frame.lineno}",
        detail=f"  {lines[-1].splitlines()[0][:300]}",
        hint=f"please report it; {where}",
    )


def explain(error: MlcicdError) -> None:
    """Print what happened, the evidence, and the next step."""
    click.echo(f"{click.style('error:', fg='red', bold=True)} {_harmless(error.message)}", err=True)
    if error.detail:
        click.echo(_harmless(error.detail.rstrip("\n")), err=True)
    if error.hint:
        click.echo(f"{click.style('next:', fg='cyan', bold=True)} {_harmless(error.hint)}", err=True)


def say(line: str) -> None:
    """Print a line of a verb: what it tells of may come from anybody."""
    click.echo(_harmless(line))


def words(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Part values that hold several names: an action hands over all of an option's in one variable."""
    return tuple(word for value in values for word in value.split())


def _harmless(text: str) -> str:
    from mlcicd.runtime import console

    return console.harmless(text)
