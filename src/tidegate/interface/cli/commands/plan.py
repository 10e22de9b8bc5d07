"""`tidegate plan`."""

import hashlib
import pathlib
from collections.abc import Collection
from typing import Annotated, Any

import msgspec
import typer
from rich import table, text

from tidegate.control.store import location
from tidegate.control.store import store as stores
from tidegate.core.spec import conditions, explained, guards, protection
from tidegate.core.spec import file as spec
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import errors, releases, urls
from tidegate.core.vocabulary import home as homes
from tidegate.dataplane.models import bundles, checking
from tidegate.delivery.describing import describing
from tidegate.delivery.registry import choosing, predicates, reports
from tidegate.delivery.sources import asking
from tidegate.delivery.training import training
from tidegate.interface.cli import course, foreseeing, options, project, reaching, screen, words

NAMED = 5
"""Settings that are named in one sentence."""
_Row = tuple[str, str, str]
"""(key, value, where it is from) of a setting."""


def plan(
    *,
    model: Annotated[str, typer.Option("--model", help="Another model than tidegate.yaml names.")] = "",
    strategy: Annotated[
        str, typer.Option("--strategy", help="Another strategy than the file's, or several: shadow,canary.")
    ] = "",
    file: Annotated[str, typer.Option("--file", help="The tidegate.yaml; else the nearest here or above.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Every setting, defaults too.")] = False,
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """What `tidegate release` would do now; what the file settles, what is in force where that is another, and the defaults that
    matter; the stages, and what to know of them. Changes nothing.
    """
    given = project.load(file, model=model, strategy=strategy)
    predicates.look(given.settings)
    resolved = asking.resolve(given.settings.model)
    place = options.place(home)
    status = _status(place)
    endpoint = next((one for one in status["endpoints"] if one["name"] == given.settings.endpoint), None) if status else None
    processes = status["processes"] if status else []
    gap = course.gap(endpoint, processes) if endpoint else ""
    rows = spec.explain(given.settings, _told(model, strategy))
    in_force = _in_force(place, given.settings)
    now = _others(in_force, rows)
    would = _would(given, resolved, endpoint, [*now, *_changed(place, given.settings, endpoint)], is_up=status is not None)
    said: list[str] = []
    if status is None or (endpoint and endpoint["stable"]):
        said += course.sentences(given.settings, endpoint and endpoint["stable"], gap, reaching.actor(), in_force)
    said += _running(given)
    said += _profiling(given)
    said += _compiling(place, given, resolved) + foreseeing.sentences(given.settings, endpoint, processes)
    if endpoint and endpoint["stable"]:
        _fits(place, given, endpoint["stable"]["digest"])
    if as_json:
        settings = [{"key": key, "value": value, "from": source, "now": now.get(key, value)} for key, value, source in rows]
        stages = [course.plain(one, given.settings.replicas) for one in given.settings.stages]
        screen.document(
            {"file": str(given.path), "model": resolved, "settings": settings, "stages": stages, "would": [*would, *said]}
        )
        return
    _print_all(would)
    screen.line("")
    _print_settings(rows, now, every=every)
    screen.line("")
    screen.out().print(course.stages(given.settings))
    screen.line("")
    _print_all(said)


def _print_all(sentences: list[str]) -> None:
    for one in sentences:
        screen.out().print(text.Text(one))


def _print_settings(rows: list[_Row], now: dict[str, str], *, every: bool) -> None:
    """What the file settles, what is in force where that is another, and the defaults that matter; or every setting."""
    shown = table.Table(box=None, pad_edge=False, show_header=False)
    telling = [one for one in rows if every or one[2] != "default" or one[0] in now or one[0] in explained.MATTER]
    for key, value, source in telling:
        before = f"{source}; now {now[key]}" if key in now else source
        shown.add_row(
            key,
            text.Text(value, style="" if source == "file" else "dim"),
            text.Text(before, style="yellow" if key in now else "dim"),
        )
    screen.out().print(shown)
    if len(telling) < len(rows):
        left = words.count(len(rows) - len(telling), "more setting")
        screen.out().print(text.Text(f"{left} as by default: `tidegate plan --all` shows them", style="dim"))


def _status(place: homes.Home) -> dict[str, Any] | None:
    """How everything is; None where Tidegate is not up."""
    try:
        return reaching.status(place)
    except errors.NotRunning:
        return None


def _in_force(place: homes.Home, settings: specification.Settings) -> specification.Settings | None:
    """What the endpoint goes by now; None where it has no version yet."""
    try:
        with stores.Store(location.url(place), create=False) as store:
            row = store.endpoint(settings.environment, settings.endpoint)
    except errors.StoreUnavailable:
        return None
    return None if row is None or row.stable is None else specification.of(row.settings)


def _others(in_force: specification.Settings | None, rows: list[_Row]) -> dict[str, str]:
    """By key, what the endpoint goes by now where that is another."""
    if in_force is None:
        return {}
    now = {key: value for key, value, _ in spec.explain(in_force)}
    return {key: now[key] for key, value, _ in rows if key in now and now[key] != value}


def _changed(place: homes.Home, settings: specification.Settings, endpoint: dict[str, Any] | None) -> list[str]:
    """Keys that name a file whose content is another than what stable's bundle has of it."""
    stable = endpoint["stable"] if endpoint else None
    if stable is None or not settings.check:
        return []
    path = pathlib.Path(settings.check)
    try:
        files = bundles.read_manifest(place.bundles / stable["digest"]).files
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except (errors.ModelError, OSError):
        return []  # the release itself will say
    before = next((one.sha256 for one in files if one.path == checking.file(path.stem)), digest)
    return [] if before == digest else ["guard.check"]


def _told(model: str, strategy: str) -> dict[str, str]:
    """Keys that the command line overrides, and by what."""
    given = {"model": ("--model", model), "release.strategy": ("--strategy", strategy)}
    return {key: option for key, (option, value) in given.items() if value}


def _fits(place: homes.Home, given: project.Project, digest: str) -> None:
    """Rules and conditions against stable's signature, which the candidate has to keep. Raises RuleInvalid."""
    settings = given.settings
    try:
        manifest = bundles.read_manifest(place.bundles / digest)
    except errors.ModelError:
        return  # the release itself will say
    try:
        guards.fit(msgspec.structs.replace(settings.terms, check=""), manifest)
        conditions.fit(settings.fallbacks, manifest.signature)
        protection.fit(settings.outcomes, manifest)
    except errors.RuleInvalid as wrong:
        wrong.where = str(given.path)
        raise


def _running(given: project.Project) -> list[str]:
    """Which runtime the version would get. Raises RuntimeUnavailable where it is seen already that it cannot be had."""
    settings = given.settings
    draft = describing.foreseen(settings.model, pathlib.Path(settings.example) if settings.example else None)
    if draft is None:
        return []
    choice = choosing.choose(settings.runtime, draft)
    choosing.look(choice)
    if choice.own:
        return [f"It would run in an environment of its own, built from its lock, since {choice.why}."]
    return [f"It would run in Tidegate's own environment, since {choice.why}."]


def _again(stable: str, others: list[str]) -> str:
    """What a release of stable's own model would be."""
    if not others:
        return (
            "That is the same model by the same settings: the release would be refused, unless its files or its example "
            f"are other than {stable}'s, whatever they are called."
        )
    named = ", ".join(others[:NAMED]) + (f" and {len(others) - NAMED} more" if len(others) > NAMED else "")
    return f"That is the same model by other settings ({named}): it would be released once more, as a new version."


def _profiling(given: project.Project) -> list[str]:
    """What its baseline profile would be of. Raises ModelSourceInvalid for training data that is not there."""
    told = training.foreseen(given.settings.training, asking.noted(given.settings.model))
    return [told] if told else []


def _compiling(place: homes.Home, given: project.Project, resolved: str) -> list[str]:
    """What is known of compiling this model: nothing is compiled here."""
    wanted = given.settings.compile
    if wanted == "never":
        return []
    if before := reports.said_of(place, resolved):
        return [f"When it was last made it was {before}."]
    how = "it is refused otherwise" if wanted == "required" else "else it is served as it is"
    return [f"Its model would be compiled to ONNX where a converter exists and the answers stay the same; {how}."]


def _would(
    given: project.Project, resolved: str, endpoint: dict[str, Any] | None, others: Collection[str], *, is_up: bool
) -> list[str]:
    """What a release would do, in sentences. `others`: keys of settings that are others than those in force."""
    settings = given.settings
    name = settings.endpoint
    said = [f"{given.path}: `tidegate release` would release {urls.model(resolved)} behind {name}."]
    stable = endpoint["stable"] if endpoint else None
    if not is_up:
        said.append(f"Tidegate is not up, so what {name} serves now is not known here: `tidegate up` starts it.")
    elif stable is None:
        said.append("There is no stable version yet: the strategy is skipped, and it serves once it has answered its warm-up.")
    else:
        said.append(f"Stable is {stable['name']} ({urls.model(stable['model'])}).")
        if stable["model"] == resolved:
            said.append(_again(stable["name"], [key for key in others if key not in {"model", "example", "training"}]))
        elif not settings.stages:
            said.append("It would get all traffic as soon as it has answered its warm-up: nothing is compared.")
        waits = [one.name for one in settings.stages if one.min_requests and one.watch is not releases.Watch.SMOKE]
        if waits and endpoint and not endpoint["rate"]:
            said.append(f"There is no traffic now: without it {waits[0]} does not end. `tidegate send {name}` makes some.")
    under_way = endpoint["release"] if endpoint else None
    if under_way and not under_way["ended"]:
        phase = under_way["phase"].replace("_", " ")
        ends = "it would end as superseded" if under_way["phase"] == "probation" else "a release now would be refused"
        said.append(f"A release of {under_way['candidate']['name']} is under way ({phase}): {ends}.")
    held = endpoint["holds"] if endpoint else ()
    if held:
        said.append(f"{words.count(len(held), 'model')} held on {name}: `tidegate status {name}` says which and why.")
    return said
