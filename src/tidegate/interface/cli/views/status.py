"""Status: one screen, for a person who was woken up. What is wrong comes first; a line is one fact, its word before it."""

from typing import Any

from rich import console, text

from tidegate.core.vocabulary import amounts, urls
from tidegate.interface.api import troubles
from tidegate.interface.cli import words

Json = dict[str, Any]
Lines = list[text.Text]
BAR = 40
_LABEL = 11
STYLES = {
    "succeeded": "green",
    "probation": "green",
    "running": "cyan",
    "promoting": "cyan",
    "warming": "cyan",
    "paused": "yellow",
    "halted": "bold red",
    "rolling_back": "bold yellow",
    "rolled_back": "yellow",
    "failed": "red",
    "aborted": "yellow",
    "concluded": "green",
    "awaiting_approval": "yellow",
}
_VERDICTS = {"pass": "green", "fail": "bold red", "unsure": "", "error": "yellow"}


def lines(status: Json) -> Lines:
    """The whole screen."""
    shown = [*_trouble(status)]
    for endpoint in status["endpoints"]:
        shown += [*(_gap(shown)), *of_endpoint(endpoint, status["at"])]
    if not status["endpoints"]:
        shown += [
            *(_gap(shown)),
            text.Text("no endpoint yet: write tidegate.yaml (`tidegate init MODEL`), then `tidegate release`"),
        ]
    return [*shown, *_gap(shown), *_foot(status)]


def of_endpoint(endpoint: Json, now: float) -> Lines:
    """One endpoint: who serves, how much, what is under way."""
    release = endpoint["release"]
    under_way = release is not None and not release["ended"]
    head = text.Text(endpoint["name"], style="bold")
    head.append(f"   {amounts.rate(endpoint['rate'])}", style="not bold")
    if endpoint["url"]:
        head.append(f"   {endpoint['url']}", style="not bold dim")
    shown = [head]
    stable = endpoint["stable"]
    owned = under_way and stable is not None and release["candidate"]["ordinal"] == stable["ordinal"]
    kept_rate = endpoint["rate"] - endpoint["candidate_rate"]
    stable_rate = endpoint["candidate_rate"] if owned else kept_rate
    shown.append(
        _line("stable", _version(stable, stable_rate)) if stable else _line("stable", text.Text("none yet", style="yellow"))
    )
    if under_way and (stable is None or release["candidate"]["ordinal"] != stable["ordinal"]):
        shown.append(_line("candidate", _version(release["candidate"], endpoint["candidate_rate"])))
        if stable:
            shown.append(_line("traffic", bar(endpoint["weight"], stable["name"], release["candidate"]["name"])))
    if release is not None:
        shown += of_release(release, now)
    told = under_way and release["waiting"] and release["waiting"]["on"] == "traffic"
    if under_way and not told and endpoint["rate"] == 0 and release["phase"] in {"running", "paused"} and stable:
        hint = f"no traffic: this will not advance; `tidegate send {endpoint['name']}` makes some"
        shown.append(_line("", text.Text(hint, style="yellow")))
    if endpoint.get("asleep"):
        shown.append(_line("asleep", text.Text("nobody asked for long, so it has no workers; the first request wakes it")))
    if endpoint.get("follows"):
        shown.append(_line("follows", text.Text(urls.model(endpoint["follows"]))))
    if endpoint["kept"]:
        kept = ", ".join(one["name"] for one in endpoint["kept"])
        kept += f"  {amounts.rate(kept_rate)} to {release['stable']['name']}, for comparison" if owned and kept_rate else ""
        shown.append(_line("kept warm", text.Text(kept)))
    for hold in endpoint["holds"]:
        digest = hold["model_digest"][:12]
        clear = f"`tidegate unhold {endpoint['name']} --digest {digest}`"
        shown.append(_line("held", text.Text(f"{digest}  {hold['reason']}  ({clear})", style="dim")))
    return shown


def of_release(release: Json, now: float) -> Lines:
    """The release: where it is, what it waits for, how the evidence stands, who was hurt."""
    phase = text.Text(release["phase"].replace("_", " "), style=STYLES.get(release["phase"], ""))
    if release["ended"]:
        said = text.Text.assemble(release["candidate"]["name"], " ", phase, f" {words.ago(release['since'], now)}")
        if release["reason"]:
            said.append(f": {release['reason']}")
        return [_line("last", said), *harmed(release, only_if_any=True)]
    said = text.Text.assemble(phase, f" for {words.lasting(now - release['since'])}")
    stage = release["stage"]
    if stage and release["stable"] and release["phase"] != "probation":
        said.append(f", {release['strategy']}, step {stage['index'] + 1} of {stage['of']} ({stage['name']})")
    shown = [_line("release", said)]
    if release["approvals"]:
        yes = ", ".join(f"{one['actor']} {words.ago(one['at'], now)}" for one in release["approvals"])
        shown.append(_line("approved", text.Text(yes)))
    if release["reason"] and release["phase"] in {"paused", "halted", "rolling_back"}:
        shown.append(_line("because", text.Text(release["reason"])))
    if release["waiting"]:
        shown.append(_line("waiting", waiting(release["waiting"])))
    verdict = release["verdict"]
    if verdict:
        style = _VERDICTS.get(verdict["result"], "")
        shown.append(_line("verdict", text.Text.assemble((verdict["result"], style), f": {verdict['sentence']}")))
    return shown + harmed(release)


def waiting(told: Json) -> text.Text:
    """Why nothing happens, and for whom it waits when that is not Tidegate itself."""
    said = text.Text(told["sentence"])
    if told["who"] != "tidegate":
        said.append(f"  <- {told['who']}", style="bold yellow")
    return said


def bar(weight: int, stable: str, candidate: str) -> text.Text:
    """The split as a bar; a share above 0 % and below 100 % never looks like none or all."""
    filled = round(weight / 10_000 * BAR)
    if 0 < weight < 10_000:
        filled = min(max(filled, 1), BAR - 1)
    return text.Text.assemble(
        f"{stable} {words.percent(10_000 - weight)} ",
        ("█" * (BAR - filled), "green"),
        ("▒" * filled, "magenta"),
        f" {words.percent(weight)} {candidate}",
    )


def _version(version: Json, a_second: float) -> text.Text:
    said = text.Text.assemble((version["name"], "bold"), f"  {urls.model(version['model'])}")
    if version["workers"] == 0:
        said.append("  no worker ready", style="bold red")
    elif version["workers"] > 0:
        said.append(f"  {words.count(version['workers'], 'worker')}")
    if a_second:
        said.append(f"  {amounts.rate(a_second)}")
    return said


def harmed(release: Json, *, only_if_any: bool = False) -> Lines:
    """Who was hurt, in one line; none where nothing was compared."""
    verdict = release["verdict"]
    if not verdict or release["stable"] is None:
        return []
    harm = verdict["harm"]
    hurt = harm["failed"] + harm["wrong"]
    if not harm["candidate_requests"] or (only_if_any and not hurt):
        return []
    said = f"{harm['failed']:,} of {words.count(harm['candidate_requests'], 'candidate request')} failed"
    if harm["rescued"]:
        said += f", {harm['rescued']:,} rescued by stable"
    if harm["wrong"]:
        said += f", {harm['wrong']:,} known wrong"
    if harm["excess"] >= 1:
        said += f"; at least {harm['excess']:,.0f} that stable would have served"
    if release["harm_budget"]:
        said += f", of a budget of {release['harm_budget']:,}"
    return [_line("harm", text.Text(said, style="yellow" if hurt else ""))]


def _trouble(status: Json) -> Lines:
    """What is not as it should be, each with what to do."""
    return [text.Text(f"! {line}", style="bold red") for line in troubles.lines(status)]


def _foot(status: Json) -> Lines:
    recorder = status["recorder"]
    parts = [
        f"environment {status['environment']}",
        f"table {status['generation']}",
        words.count(len(status["gateways"]), "gateway"),
    ]
    if "recorded" in recorder:
        parts.append(f"{int(recorder['recorded']):,} records, {int(recorder.get('joined', 0)):,} outcomes joined")
        aside = int(recorder.get("unmatched", 0)) + int(recorder.get("rejected", 0))
        if aside:
            parts.append(f"{aside:,} put aside (`tidegate feedback --rejected`)")
    parts.append(status["home"])
    return [text.Text(" · ".join(parts), style="dim")]


def hanging(line: text.Text, terminal: console.Console) -> Lines:
    """The line broken where the terminal ends, a fact's further lines under its first; as it is where nobody looks."""
    indent = _LABEL + 2
    if not terminal.is_terminal or not line.plain.startswith("  ") or len(line.plain) <= terminal.width:
        return [line]
    label, said = line.divide([indent])
    first, *rest = said.wrap(terminal, max(20, terminal.width - indent))
    return [text.Text.assemble(label, first), *(text.Text.assemble(" " * indent, one) for one in rest)]


def _line(word: str, said: text.Text) -> text.Text:
    return text.Text.assemble((f"  {word:<{_LABEL}}", "dim"), said)


def _gap(shown: Lines) -> Lines:
    return [text.Text("")] if shown else []
