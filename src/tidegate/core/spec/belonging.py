"""Whose a setting is: the endpoint's, or the version's with which it came.

A way back brings the version's own settings with it and leaves the endpoint's as they are in force: what was tightened for
people's sake is not loosened by who puts traffic on an older model, an alarm least of all.
"""

from typing import Any

import msgspec

from tidegate.core.vocabulary import keeping

FOLLOWED = frozenset({"follow", "model"})
"""What is followed: a person's switch, which changes nothing of how anybody is served."""
ENDPOINTS = FOLLOWED | {
    *("inputs", "log"),  # what is kept of the data of people, in what form, how long, and who gets it
    "approval",
    "notify",
    *("access", "origins"),  # who may ask
}
VERSIONS = frozenset(
    {
        *("endpoint", "api", "environment", "example", "training", "trust", "method", "compile", "compile_tolerance", "runtime"),
        *("strategy", "stages", "returns", "policy", "sticky", "cohort", "group", "downtime", "requires", "migrations"),
        *("slices", "pairing", "rehearse_seconds", "limits", "outcomes", "fallback", "fallbacks", "fallback_version"),
        *("guard", "terms", "check", "resources", "scale_to_zero", "replicas", "load_seconds", "probation"),
        *("probation_seconds", "probation_outcomes", "keep", "durability", "monitors", "pin", "given"),
    }
)
"""How it is made, released, served, judged and watched."""
Settings = dict[str, Any]
"""As the store keeps them."""


def followed(settings: Settings) -> Settings:
    """Those of what is followed."""
    return {key: settings[key] for key in FOLLOWED if key in settings}


def kept(settings: Settings) -> Settings:
    """Those of the endpoint."""
    return {key: settings[key] for key in ENDPOINTS if key in settings}


def returning(own: Settings, in_force: Settings) -> Settings:
    """What holds once a version serves again that was left with its `own` settings. Columns that these veil stay veiled: those
    in force may be of a model that does not take them, and so could not name them.
    """
    found = own | kept(in_force)
    if "log" in own and "log" in found:
        before, now = (msgspec.convert(settings["log"], keeping.Keeping) for settings in (own, found))
        found["log"] = msgspec.to_builtins(now.veiling(before))
    return found
