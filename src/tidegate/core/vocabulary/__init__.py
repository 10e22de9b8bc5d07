"""The words of the project as frozen values. Everybody reads it; it reads nothing but msgspec and the standard library.

- `errors`, `codes`: the error tree, with stable codes and cures
- `ids`, `arms`, `marks`, `phases`: prediction ids, who was drawn and with what probability, what was observed, where a release is
- `releases`, `decisions`, `verdicts`, `sums`: what the release machine and the judge take and give
- `losses`: how far off an answer was, in fixed buckets
- `profiles`: what the values of columns were over a stretch of time
- `instants`, `urls`: points in time as programs write them; addresses of data without the secrets in them
- `amounts`: numbers as people say them
- `assignment`: the key that requests stick by, and the cohort that goes first
- `dependencies`: what a version needs outside its bundle, and what was changed there for it
- `handling`, `tokens`: what an endpoint asks of the worker besides the prediction; who may do what
- `alarms`: what is wrong now, with the words for it; `incidents`: what became of one; `recipients`: who is told
- `tables`, `records`, `manifests`: the formats the planes meet in: routes down, records up, bundles across
- `monitoring`, `keeping`: what monitors go by; what is kept of a log, and where it goes besides
- `explanations`, `erasures`: an answer taken apart; who asked to be forgotten, and what came of it
- `home`, `instances`: where things are on disk, and processes as the keeper knows them
- `placing`, `room`: files put in place whole, and how much of a disk is left to what matters more than the log
- `logs`: JSON lines on standard error, as every process logs

Not here: anything that acts, reads a clock, or knows what is in a file other than those of `instances` and `erasures`.
"""
