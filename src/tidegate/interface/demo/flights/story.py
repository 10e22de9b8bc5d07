"""`tidegate demo flights`: from training to the last rollback, told while it happens. The one door of this folder.

Everything is done as a user would do it: models are trained, logged and registered in an MLflow of the demo's own,
Tidegate is brought up on a tidegate.yaml, versions are released, requests go over HTTP.
"""

import contextlib
import gc
import json
import time
from collections.abc import Iterator

import pandas as pd
import uvloop
from rich import console

from tidegate.core.vocabulary import errors
from tidegate.interface.demo import client, stories
from tidegate.interface.demo.flights import acts, audit, data, gate, models, recipes, registry, replay, report, screens, setting

_CONNECTIONS = 64
_RECORDER_SECONDS = 20


def tell(options: stories.Options, screen: console.Console) -> int:
    """Tell it. 0 when it came out as it should; 1 when not, saying what did not."""
    tempo = setting.FAST if options.fast else setting.FULL
    setting.prepare(options.folder, tempo)
    screen.print(f"\n [bold cyan]tidegate[/]  the flights that left New York in 2013  [dim]in {options.folder}[/]\n")
    rows = _learn(options, screen)
    tidegate = gate.Gate(options.folder, options.port)
    try:
        with _step(screen, "v1 is served") as told:
            tidegate.up()
            told.append(tidegate.address)
        began = time.monotonic()
        result = _play(tidegate, rows, tempo, screens.show(screen, plain=options.plain))
        result.seconds = round(time.monotonic() - began, 1)
    finally:
        if not options.keep_up:
            with contextlib.suppress(errors.ProcessError):
                tidegate.down()
    return _end(options, result, screen)


def _learn(options: stories.Options, screen: console.Console) -> pd.DataFrame:
    """Read the flights; train, log and register the four versions."""
    with _step(screen, "the flights and the weather") as told:
        rows = data.load()
        told.append(f"{data.FLIGHTS:,} flights, {len(rows):,} of them left")
    with _step(screen, "an MLflow of their own"):
        shelf = registry.Registry(options.folder)
    live = data.of_months(rows, 1)
    for recipe in recipes.RECIPES:
        with _step(screen, f"v{recipe.number} {recipe.title}") as told:
            trained = models.train(recipe, rows)
            logged = shelf.log(trained, live)
            measured = trained.metrics
            told.append(
                f"offline accuracy {measured['accuracy']:.3f}, AUC {measured['auc']:.3f}; {registry.NAME} {logged.version}"
            )
    return rows


def _play(tidegate: gate.Gate, rows: pd.DataFrame, tempo: setting.Tempo, show: screens.Show) -> report.Result:
    """The acts, then what the clients and the log say of them."""
    gc.collect()
    gc.freeze()
    with show:
        traffic, stage = uvloop.run(_perform(tidegate, rows, tempo, show))
    audited = audit.audit(tidegate.place, traffic.ids, traffic.accepted, _RECORDER_SECONDS)
    return report.Result(
        requests=traffic.requests,
        failed_requests=traffic.failed,
        lost_records=audited.lost,
        outcomes_joined=audited.outcomes_joined,
        releases=stage.lines,
        trace=_trace(tidegate, traffic),
    )


async def _perform(
    tidegate: gate.Gate, rows: pd.DataFrame, tempo: setting.Tempo, show: screens.Show
) -> tuple[replay.Replay, acts.Stage]:
    async with client.Client(tidegate.address, connections=_CONNECTIONS) as sender:
        traffic = replay.Replay(setting.ENDPOINT, replay.flights(rows), sender, tempo.rate)
        stage = acts.Stage(tidegate, traffic, tempo, show.picture)
        await stage.play()
        return traffic, stage


def _trace(tidegate: gate.Gate, traffic: replay.Replay) -> dict[str, object]:
    """The walk from v4's most confident wrong answer back to its training data; empty when there was none."""
    off, identifier, flight = traffic.tallies["v4"].worst
    if not identifier:
        return {}
    walked = tidegate.trace(identifier)
    told = walked["outcomes"][0]["label"] if walked["outcomes"] else None
    return {
        "prediction_id": identifier,
        "flight": flight,
        "answer": walked["prediction"]["answers"][0],
        "outcome": told,
        "off_by": round(off, 4),
        "version": walked["prediction"]["version"],
        "release": walked["release"]["id"] if walked["release"] else "",
        "bundle_digest": walked["bundle"]["digest"],
        "run_id": walked["run"]["run_id"] if walked["run"] else "",
        "training_data_sha256": next((one["sha256"] for one in walked["data"] if one["role"] == "training"), ""),
    }


def _end(options: stories.Options, result: report.Result, screen: console.Console) -> int:
    """Show the result, write it, and say what is where and what to do next."""
    screen.print(report.draw(result))
    if options.json_file is not None:
        options.json_file.write_text(json.dumps(report.as_json(result), indent=2) + "\n")
    screen.print(report.next_steps(options, result))
    wrong = report.complaints(result)
    for one in wrong:
        screen.print(f" [bold red]not as it should be:[/] {one}", markup=True)
    return 1 if wrong else 0


@contextlib.contextmanager
def _step(screen: console.Console, title: str) -> Iterator[list[str]]:
    """One thing that takes a while: its title at once where there is a terminal, then what came of it and how long it took."""
    told: list[str] = []
    began = time.monotonic()
    with screen.status(f"[dim]{title}[/]") if screen.is_terminal else contextlib.nullcontext():
        yield told
    took = f"{time.monotonic() - began:.1f} s"
    screen.print(f" [green]✓[/] {title}  [dim]{'  '.join([*told, took])}[/]")
