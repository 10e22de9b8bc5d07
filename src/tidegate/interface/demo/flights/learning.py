"""Before the first request: the flights are read, the versions trained, logged and packed, and v1 is brought up.

Training needs one core and the rest another, so `tidegate up` and the packing of what is trained go on behind.
"""

import concurrent.futures
import contextlib
import dataclasses
import time
from collections.abc import Iterator

import pandas as pd
from rich import console

from tidegate.interface.demo import options as asked
from tidegate.interface.demo.flights import data, gate, models, recipes, registry

_BEHIND = 2


@dataclasses.dataclass(frozen=True)
class Learned:
    """What the story starts with."""

    rows: pd.DataFrame
    """See `data.load`."""
    tidegate: gate.Gate
    """Up, serving v1."""
    digests: dict[int, str]
    """The bundles of v2, v3 and v4."""


def learn(options: asked.Options, tidegate: gate.Gate, screen: console.Console) -> Learned:
    """All of it, told step by step. Raises what reading, training, `up` and packing raise."""
    with _step(screen, "the flights and the weather") as told:
        rows = data.load()
        told.append(f"{data.FLIGHTS:,} flights, {len(rows):,} of them left")
    with _step(screen, "an MLflow of their own"):
        shelf = registry.Registry(options.folder)
    live = data.of_months(rows, 1)
    with concurrent.futures.ThreadPoolExecutor(_BEHIND) as behind:
        try:
            packing: dict[int, concurrent.futures.Future[str]] = {}
            for recipe in recipes.RECIPES:
                _train(recipe, rows, shelf, live, screen)
                if recipe.number == 1:
                    serving = behind.submit(tidegate.up)
                else:
                    packing[recipe.number] = behind.submit(tidegate.pack, recipe.number)
            with _step(screen, "v1 is served: tidegate up") as told:
                serving.result()
                told.append(tidegate.address)
            with _step(screen, "the others are packed") as told:
                digests = {number: packed.result() for number, packed in packing.items()}
                told.append(", ".join(f"v{number} {digest[:12]}" for number, digest in digests.items()))
        except BaseException:
            behind.shutdown(wait=False, cancel_futures=True)
            raise
    return Learned(rows, tidegate, digests)


def _train(
    recipe: recipes.Recipe, rows: pd.DataFrame, shelf: registry.Registry, live: pd.DataFrame, screen: console.Console
) -> None:
    with _step(screen, f"v{recipe.number} {recipe.title}") as told:
        trained = models.train(recipe, rows)
        shelf.log(trained, live)
        told.append(f"offline accuracy {trained.metrics['accuracy']:.3f}, AUC {trained.metrics['auc']:.3f}")


@contextlib.contextmanager
def _step(screen: console.Console, title: str) -> Iterator[list[str]]:
    """One thing that takes a while: its title at once where there is a terminal, then what came of it and how long it took."""
    told: list[str] = []
    began = time.monotonic()
    with screen.status(f"[dim]{title}[/]") if screen.is_terminal else contextlib.nullcontext():
        yield told
    took = f"{time.monotonic() - began:.1f} s"
    screen.print(f" [green]✓[/] {title}  [dim]{'  '.join([*told, took])}[/]")
