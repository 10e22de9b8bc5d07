"""`tidegate demo flights`: from training to the last rollback, told while it happens. The one door of this folder.

Everything is done as a user would do it: models are trained, logged and registered in an MLflow of the demo's own,
Tidegate is brought up on a tidegate.yaml, versions are released, requests go over HTTP.
"""

import contextlib
import gc
import json
import time
from collections.abc import Iterator

import uvloop
from rich import console

from tidegate.core.vocabulary import errors
from tidegate.interface.demo import client
from tidegate.interface.demo import options as asked
from tidegate.interface.demo.flights import acts, audit, gate, learning, registry, replay, report, screens, setting

_CONNECTIONS = 128
_RECORDER_SECONDS = 20


def tell(options: asked.Options, screen: console.Console) -> int:
    """Tell it. 0 when it came out as it should; 1 when not, saying what did not."""
    tempo = setting.FAST if options.fast else setting.FULL
    setting.prepare(options.folder, tempo)
    screen.print(f"\n [bold cyan]tidegate[/]  the flights that left New York in 2013  [dim]in {options.folder}[/]\n")
    tidegate = gate.Gate(options.folder, options.port, registry.address(options.folder))
    try:
        learned = learning.learn(options, tidegate, screen)
        began = time.monotonic()
        result = _play(learned, tempo, screens.show(screen, plain=options.plain))
        result.seconds = round(time.monotonic() - began, 1)
    finally:
        if not options.keep_up:
            with contextlib.suppress(errors.ProcessError):
                tidegate.down()
    return _end(options, result, screen)


def _play(learned: learning.Learned, tempo: setting.Tempo, show: screens.Show) -> report.Result:
    """The acts, then what the clients and the log say of them."""
    with show, _unswept():
        traffic, stage = uvloop.run(_perform(learned, tempo, show))
    audited = audit.audit(learned.tidegate.place, traffic.ids, traffic.accepted, _RECORDER_SECONDS)
    return report.Result(
        requests=traffic.requests,
        failed_requests=traffic.failed,
        lost_records=audited.lost,
        outcomes_joined=audited.outcomes_joined,
        releases=stage.lines,
        trace=_trace(learned.tidegate, traffic),
    )


@contextlib.contextmanager
def _unswept() -> Iterator[None]:
    """Keep the many objects of training out of the garbage collector's rounds, each of which would stop traffic for a while."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


async def _perform(learned: learning.Learned, tempo: setting.Tempo, show: screens.Show) -> tuple[replay.Replay, acts.Stage]:
    async with client.Client(learned.tidegate.address, connections=_CONNECTIONS) as sender:
        traffic = replay.Replay(setting.ENDPOINT, replay.flights(learned.rows), sender, tempo.rate)
        stage = acts.Stage(learned.tidegate, learned.digests, traffic, tempo, show.picture)
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


def _end(options: asked.Options, result: report.Result, screen: console.Console) -> int:
    """Show the result, write it, and say what is where and what to do next."""
    screen.print(report.draw(result))
    if options.json_file is not None:
        options.json_file.write_text(json.dumps(report.as_json(result), indent=2) + "\n")
    screen.print(report.next_steps(options, result))
    wrong = report.complaints(result)
    for one in wrong:
        screen.print(f" [bold red]not as it should be:[/] {one}", markup=True)
    return 1 if wrong else 0
