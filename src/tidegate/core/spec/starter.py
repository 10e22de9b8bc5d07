"""The file that `tidegate init` writes: what is needed set, every other key in a comment, with the default it has anyway."""

import json
import re

from tidegate.core.vocabulary import manifests

_PLAIN = re.compile(r"[A-Za-z0-9_./~][A-Za-z0-9_./:@~+-]*[A-Za-z0-9_/@~+-]|[A-Za-z_./~]")
_OPTIONAL = """\
# Everything below is the default; take away a "#" to change it. `tidegate plan` shows what is in force.

# training: null                    # the data it was trained on, CSV or Parquet: what drift is held against
# method: null                      # predict_proba: a classifier answers probabilities
# environment: production
# follow: false                     # true: release by itself when `model` comes to mean another model
# compile: auto                     # to ONNX where the answers stay the same: never | required
# compile_tolerance: 0.0001         # how much the same: relatively, and a hundredth of it absolutely
# runtime: auto                     # own: an environment of each version's own; shared: Tidegate's
# replicas: 1                       # worker processes of each version
# resources:                        # of each worker; 0: no limit
#   memory: 0
#   cpu: 0
#   files: 0
# scale_to_zero: 0s                 # without a request for this long, workers are stopped; 0s: never

# release:                          # how traffic moves to a new version
#   strategy: canary                # recreate | rolling | blue-green | shadow | ab | full, or in turn: [shadow, canary]
#   steps: [1%, 5%, 25%, 50%]       # or: {traffic: 5%, for: 30s, at_most: 5m, requests: 200}
#   for: 1m                         # each step lasts at least this
#   at_most: 10m                    # then it goes on without proof, if nothing speaks against it
#   requests: 200                   # candidate requests without which no step is left
#   prove_last: true                # leave the last step only on proof
#   unsure: pause                   # too few requests in time: pause | extend | rollback | promote
#   alpha: 1%                       # chance of rolling a healthy release back
#   promote_if: ["errors <= stable + 1%", "p90 <= stable + 30%"]
#   times_from: 10ms                # model times below this are all the same
#   # shadow: {mirror: 10%}         # of the strategies that go by it, likewise
#   # rolling: {surge: 1, unavailable: 0}
#   # blue_green: {smoke: 20, bake: 5m}
#   # ab: {split: 50%, metric: right}
#   # sticky: {header: x-user}      # or {cookie: NAME}, {field: user_id}: one user, one version
#   # cohort: {header: x-internal}  # who goes first; by sticky key: {keys: 5%}, {file: internal-users.txt}
#   # approve: {by: [ana, ben], count: 1, not: author, within: 3d}
#   shift: 10%                      # how many predictions may be others than stable's
#   on_shift: pause                 # notify | pause | rollback
#   harm_budget: 0                  # excess failures a release may cost; 0: no bound
#   guard_breaks: 2                 # broken guards that roll back at once; 0: none do
#   memory: 1.5                     # times stable's, from which a release pauses; 0: not watched
#   on_alarm: notify                # pause | rollback
#   retrain: false                  # ask for a retraining after an automatic rollback
#   probation:                      # after 100 %, the version before stays warm
#     for: 7d
#     outcomes: 0                   # over after this many, too; 0: time alone counts
#     watch: holdback               # reverse-shadow | level | none
#     share: 1%

# outcomes:                         # ground truth, posted later by prediction id
#   kind: auto                      # probability | class | number
#   threshold: 0.5
#   tolerance: 0
#   within: 0s                      # age at which a prediction counts as labelled; 0s: no evidence from outcomes
#   lookback: 0s                    # outcomes by key and time: how long before then their prediction may lie
#   # key: customer                 # the input column that names whom; else the sticky key
#   # time: booked_at               # the input column with a prediction's time; else when it was asked for
#   # query: select id, label, added from truth   # outcomes from a table, asked on a schedule
#   # url: {env: TRUTH_URL}
#   every: 1h
#   # watermark: added              # its column that only grows

# limits:
#   timeout: 2s
#   queue: 1000                     # waiting requests; more get 429
#   body: 4MiB
#   batch: 256
#   rate: 0                         # predictions a second for each token; 0: no limit
#   daily: 0                        # and a day

# log:
#   inputs: all                     # none: records carry no request and response bodies; or: sample 10%
#   columns: {}                     # input columns kept of fewer predictions: {income: 10%}
#   redact: []                      # input columns whose values are kept nowhere: [ssn]
#   encrypt: []                     # input columns kept encrypted only, with `key`
#   key: null                       # where that key is: {env: LOG_KEY}, {file: PATH}
#   retention: 0s                   # days that ended longer ago are deleted, such as 90d; 0s: none are
#   sinks: []                       # where the log goes besides: [{to: {env: LOG_KAFKA}}]
#   durability: interval            # ack: on disk before the answer leaves

# monitors:                         # what is watched after a release; alarms: notify | hold | rollback | retrain
#   drift: {action: notify, window: 1d, season: week}   # against the same weekday of the four weeks before
#   quality: {action: notify, window: 1h}
#   performance: {action: notify}
#   service: {action: notify}
#   uptime: {action: notify, every: 1m}

# explain: on_demand                # always, sample 1%: explanations are computed afterwards and kept
# input: strict                     # coerce: "3" is taken for 3
# round: null                       # decimals that clients see of numbers; without it all
# access: open                      # token: predictions need one with the predict scope
# origins: []                       # web origins whose pages may read answers
# pin: refuse                       # allow: clients may ask for one version
# keep: 2                           # previous versions kept warm
# load_within: 1m
# downtime: allowed                 # never: no strategy that leaves the endpoint without a worker
# api: 1                            # 2: the endpoint is NAME-v2, for changes that break clients
# group: null                       # endpoints of one group are released together
# requires: []                      # such as {service: https://...}, {table: customers@v3, url: {env: WAREHOUSE}}
# migrations: []                    # such as {name: drop-x, kind: contract}
# notify: []                        # where apprise addresses are: {env: SLACK_URL}, {file: PATH, from: critical}
# slices: []                        # input columns whose every value is judged by itself, too: [region]
# rehearse: 0s                      # practise a rollback this often; 0s: when asked for
# guard:                            # what every answer is held to
#   rules: []                       # such as [finite, 0 <= probability <= 1]
#   check: null                     # a function of your own beside this file: checks.py:plausible
#   action: rescue                  # when one is broken: rescue | fallback | reject | flag

# fallback: null                    # JSON answered when no version can; without it: 503
# fallback_rules: []                # tried before it: {when: ["distance > 1000"], value: 0.4}
# fallback_version: null            # asked before both: previous, or v3
"""


_QUANTITIES = (
    ("# outcomes:                         #", "outcomes:                           #"),
    (
        "#   kind: auto                      # probability | class | number",
        "  kind: number                      # its answers are quantities",
    ),
)
"""What the file says else where answers are quantities: `auto` would take them for classes."""
_SAYS = {
    "example": "input rows: the model file itself says nothing of its inputs",
    "trust": "loading this model may run code that is inside it",
    "method": "what is called of it instead of predict",
}


def text(endpoint: str, model: str, manifest: manifests.Manifest | None, needed: dict[str, str]) -> str:
    """The file's text; `needed` are the keys of `_SAYS` that this model needs. Its signature goes into comments, for people."""
    lines = ["# What is served here and how new versions reach it. Every key: docs/file.md", ""]
    lines += [f"endpoint: {_scalar(endpoint)}", f"model: {_scalar(model)}"]
    lines += [f"{key}: {_scalar(value):<27} # {_SAYS[key]}" for key, value in needed.items() if value]
    optional = _OPTIONAL
    if manifest is not None:
        lines += ["", "# The model's signature:"]
        lines += [f"#   {_column(column)}" for column in manifest.signature.inputs]
        lines += [f"#   -> {_column(column)}" for column in manifest.signature.outputs]
        for default, set_so in _QUANTITIES if manifest.answers_quantities else ():
            optional = optional.replace(default, set_so)
    return "\n".join(lines) + "\n\n" + optional


def _column(column: manifests.Column) -> str:
    name = column.name if column.name.isprintable() else json.dumps(column.name)
    shape = f" {list(column.shape)}" if column.shape else ""
    return f"{name}: {column.type}{shape}{'' if column.required else ', may be missing'}"


def _scalar(value: str) -> str:
    return value if _PLAIN.fullmatch(value) and not value.replace(".", "").isdigit() else json.dumps(value)
