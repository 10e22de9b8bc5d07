"""The keys under `release:`, each strategy's block with them."""

from typing import Annotated, Literal

from tidegate.core.spec import values


class Step(values.Block):
    """One step of a canary. A bare share such as 5% is a step with the release's own times."""

    traffic: values.Share = values.key("Share of the traffic that the candidate gets.")
    least: values.Duration | None = values.key("Not left earlier; `release.for` unless given.", None, alias="for")
    at_most: values.Duration | None = values.key("Goes on without proof after this; `release.at_most` unless given.", None)
    requests: int | None = values.key(
        "Candidate requests without which it is not left; `release.requests` unless given.", None, ge=1
    )


class Shadow(values.Block):
    """A shadow: copies of requests to the candidate, off every client's path."""

    mirror: values.Share = values.key("Share of requests that are copied.", 0.1, "10%")
    least: values.Duration = values.key("It lasts at least this.", 300.0, "5m", alias="for")
    at_most: values.Duration = values.key("After this it ends without proof, if nothing speaks against it.", 3_600.0, "1h")
    pairs: int = values.key("Requests answered by both versions without which it is not left.", 500, ge=1)
    tolerance: values.Share = values.key("Share of pairs that may differ.", 0.01, "1%")
    within: float = values.key("Numbers this near are the same answer.", 0.0, ge=0, allow_inf_nan=False)


class Rolling(values.Block):
    """Replica by replica."""

    surge: int = values.key("Workers of both versions there may be beyond `replicas`.", 1, ge=0, le=256)
    unavailable: int = values.key("Workers there may be fewer than `replicas`.", 0, ge=0, le=256)
    least: values.Duration = values.key("Each step lasts at least this.", 10.0, "10s", alias="for")
    at_most: values.Duration = values.key("After this a step goes on without proof, if nothing speaks against it.", 300.0, "5m")
    requests: int = values.key("Candidate requests without which no step is left.", 20, ge=1)


class BlueGreen(values.Block):
    """Both versions up, one switch."""

    smoke: int = values.key("Requests of our own that green has to answer before the switch; 0: none.", 20, ge=0, le=100_000)
    switch: tuple[values.Share, ...] = values.key(
        "Shares on the way to 100 %, paced by `release.for`, `at_most` and `requests`; none: at once.", (), [], strict=False
    )
    bake: values.Duration = values.key("At 100 % blue stays up this long, and anything wrong returns to it.", 300.0, "5m")


class Ab(values.Block):
    """An A/B test: sticky groups and one metric."""

    split: values.Split = values.key("The candidate's share (`50%`), or stable/candidate (`60/40`).", 0.5, "50%")
    metric: values.Metric | None = values.key(
        "What decides: `right` (by outcomes), or the name of a metric that is posted; always needed.", None
    )
    better: Literal["higher", "lower"] = values.key("Which way is better.", "higher")
    difference: values.Amount = values.key("A difference below this is none; 0: only the horizon says so.", 0.0, 0)
    least: values.Duration = values.key(
        "Not decided earlier: behaviour differs by hour and weekday.", 86_400.0, "1d", alias="for"
    )
    horizon: values.Duration = values.key("Ends without a winner after this.", 1_209_600.0, "14d")
    units: int = values.key("Units (users), of both groups together, without which it is not decided.", 200, ge=1)
    range: values.Range | None = values.key(
        "The least and the most that a value of the metric can be, such as `[0, 1]`: the interval is then exact, however few the "
        "units. A value outside counts as the nearer end, and is told. `right` has it already.",
        None,
    )
    covariate: values.Metric | None = values.key(
        "A metric that is posted with each unit's value from before the test (last month's revenue): what it explains is taken "
        "out of the metric's noise.",
        None,
    )
    guards: tuple[values.Guard, ...] = values.key(
        "What else a winner must not worsen, of posted metrics: `refunds <= stable + 1%`, `basket >= stable - 0.5`. A percentage "
        "is of stable's mean (of `right`: points). Proven beyond its margin, stable wins.",
        (),
        [],
        strict=False,
    )


class Sticky(values.Block):
    """What makes requests one unit: one of the three."""

    header: values.Token | None = values.key("Name of a header.", None)
    cookie: values.Token | None = values.key("Name of a cookie, issued where it is absent.", None)
    field: str | None = values.key("Name of a field of the request's first record.", None, min_length=1)


class Cohort(values.Block):
    """Who gets the candidate first. A request belongs when any of what is given says so."""

    header: values.Header | None = values.key(
        'A header that is there (`x-internal`) or has one value (`"x-internal: yes"`).', None
    )
    keys: values.Keys | None = values.key("Sticky keys (`[alice, bob]`), or a share of all of them (`5%`).", None)
    file: str | None = values.key("A file beside this one with a sticky key in each line.", None, min_length=1)


class Probation(values.Block):
    """The time after 100 % in which the version before stays warm. A bare duration is one with everything else by default."""

    least: values.Duration = values.key("It lasts this long.", 604_800.0, "7d", alias="for")
    outcomes: int = values.key("Labelled predictions after which it is over before its time; 0: time alone counts.", 0, ge=0)
    watch: Literal["holdback", "reverse-shadow", "level", "none"] | None = values.key(
        "`holdback`: the version before keeps a share, the only comparison left. `reverse-shadow`: it gets copies. `level`: the "
        "candidate against what stable did, which is no comparison. `none`: nothing is watched. Unless given `holdback`, and "
        "`level` with recreate.",
        None,
    )
    share: values.Share = values.key("Of a holdback or a reverse shadow.", 0.01, "1%")


class Approve(values.Block):
    """Who has to say yes before any traffic."""

    by: tuple[values.Person, ...] = values.key(
        "Names of those who may; none: anybody with the approve scope.", (), [], strict=False
    )
    count: int = values.key("How many have to.", 1, ge=1, le=100)
    barred: Literal["author", "nobody"] = values.key(
        "Who may not: `author`, who asked for the release, or `nobody`.", "author", alias="not"
    )
    within: values.Duration = values.key("Without enough of them by then the release ends.", 259_200.0, "3d")


class Release(values.Block):
    """How traffic moves to a new version."""

    strategy: values.Strategies = values.key(
        "`recreate`, `rolling`, `blue-green`, `canary`, `shadow`, `ab` or `full` (100 % after warm-up), or several in "
        "turn: `[shadow, canary]`.",
        ("canary",),
        "canary",
    )
    steps: tuple[Annotated[Step, values.short_for("traffic")], ...] = values.key(
        "Shares of a canary, going up, then 100 %. A step may say more: `{traffic: 5%, for: 30s, at_most: 5m, requests: 200}`.",
        tuple(Step(traffic=part) for part in ("1%", "5%", "25%", "50%")),  # type: ignore[arg-type]
        ["1%", "5%", "25%", "50%"],
        min_length=1,
        strict=False,
    )
    least: values.Duration = values.key("Each step lasts at least this.", 60.0, "1m", alias="for")
    at_most: values.Duration = values.key("After this a step goes on without proof, if nothing speaks against it.", 600.0, "10m")
    requests: int = values.key("Candidate requests without which no step is left.", 200, ge=1)
    prove_last: bool = values.key(
        "Leave the last step only on proof that the candidate is no worse, however long that takes; false with `sticky`.", True
    )
    shadow: Annotated[Shadow, values.EMPTY_BLOCK] = values.key("Of the strategy `shadow`.", Shadow(), {})
    rolling: Annotated[Rolling, values.EMPTY_BLOCK] = values.key("Of the strategy `rolling`.", Rolling(), {})
    blue_green: Annotated[BlueGreen, values.EMPTY_BLOCK] = values.key("Of the strategy `blue-green`.", BlueGreen(), {})
    ab: Annotated[Ab, values.EMPTY_BLOCK] = values.key("Of the strategy `ab`.", Ab(), {})
    sticky: Sticky | None = values.key(
        "Requests with the same key stay on one version through the release; `{cookie: tidegate}` with ab.", None
    )
    cohort: Cohort | None = values.key("Who gets the candidate before anybody else (canary, ab).", None)
    unsure: Literal["pause", "extend", "rollback", "promote"] = values.key(
        "What happens when a step's time is up without proof and without enough requests.", "pause"
    )
    alpha: values.Chance = values.key("Chance of rolling a healthy release back, over its whole life.", 0.01, "1%")
    promote_if: tuple[values.Margin, ...] = values.key(
        "What has to be proven for promotion: margins over stable, of shares (`errors <= stable + 1%`, `errors <= 1.5 x stable`; "
        "`wrong` by outcomes), of probabilities also of their Brier score (`score <= stable + 0.02`, the default), and of the "
        "model's time (`p50`, `p75`, `p90`, `p95`, `p99`, in steps of 30 %).",
        ("errors <= stable + 1%", "wrong <= stable + 2%", "p90 <= stable + 30%"),
        ["errors <= stable + 1%", "wrong <= stable + 2%", "p90 <= stable + 30%"],
        strict=False,
    )
    times_from: values.Duration = values.key("Model times below this are all the same: nobody is slower for them.", 0.01, "10ms")
    shift: values.Share = values.key(
        "How far the candidate's predictions may be from stable's: the share of them that are others (total variation); 0%: not "
        "watched.",
        0.1,
        "10%",
    )
    on_shift: Literal["notify", "pause", "rollback"] = values.key(
        "What happens once they are proven to be further apart. A better model may well be.", "pause"
    )
    harm_budget: values.Requests = values.key(
        "Excess of failed requests over stable's that a release may cost: `200 requests`; 0: no bound.", 0
    )
    guard_breaks: int = values.key(
        "Answers that break the guard as none of stable's did, and that roll back at once: more at weights of over 10 %, where "
        "equal versions would show as many; 0: none do.",
        2,
        ge=0,
    )
    memory: values.Times = values.key("The candidate's memory over stable's from which the release pauses; 0: not watched.", 1.5)
    on_alarm: Literal["notify", "pause", "rollback"] = values.key(
        "What an [alarm](alarms.md) about the endpoint does to a release under way, besides its monitor's action.", "notify"
    )
    retrain: bool = values.key("Whether a retraining is asked for after an automatic rollback.", False)
    approve: Approve | None = values.key("Who has to say yes before any traffic; absent: nobody has to.", None)
    probation: Annotated[Probation, values.short_for("for"), values.EMPTY_BLOCK] = values.key(
        "After 100 % the version before is kept warm this long, for a rollback in one write: `7d`, or a block.",
        Probation(),
        "7d",
    )
