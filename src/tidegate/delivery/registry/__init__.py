"""From a model reference to a bundle: HOME/bundles/<digest>, immutable, with everything a release needs to know of the model.

- `sources`: mlflow://NAME@ALIAS, mlflow://NAME/VERSION, a path -> what it means
- `asking`: `resolve` -> the reference with nothing left open; `available` -> what there is; `fetch` -> its files and provenance
- `locating`, `database`, `tracking`: where MLflow is; its SQLite file read directly; its own client for everything else
- `runs`: what MLflow says of a run, in our words
- `mlmodel`, `flavours`: the MLmodel file of a model directory -> loader, signature, requirements, example
- `bare`: model files that nobody has described
- `examples`, `signatures`: rows of an example, and the signature they have or MLflow declared
- `training`: which data a baseline profile is of; `surveying`: every row counted; `datasets`: read in pieces; `digests`: sha256
- `basis`: what a bundle's baseline profile is of, for people
- `describing`: a reference -> its files and what they say of themselves
- `packages`, `requirements`, `choosing`: what is installed here; a model's requirement lines; whether they are met by it
- `interpreters`, `locking`, `runtimes`: uv and the Pythons of this machine; lines -> a lock with hashes -> an environment
- `predicates`: the endpoint's own check of answers: looked at, and taken into the bundle
- `profiling`: the model loaded once and asked its example: baseline profile; `outputs`: what it answers, and which classes it
  tells apart; `dependence`: on which inputs
- `adopting`: the compiled form in the place of the original; `reports`: what came of compiling, for people
- `making`: all of it in order, in a staging folder that becomes the bundle by one rename or leaves nothing behind
- `ordering`: what an endpoint's settings ask of `making`; `meaning`: what a reference means just now, for who follows it
- `children`: steps that are processes of their own: MLflow's client (with its credentials; runs no model), and the model
  (without any credentials, in the runtime it will be served in)

Called by control, the control API, the command line and embedded models; none of them imports MLflow or a model by doing so. What
is refused (no signature, an unknown version, a pickle that nobody trusts) is refused before a byte of the model is loaded.

Not here: serving, gates, and the choice of what to release.
"""
