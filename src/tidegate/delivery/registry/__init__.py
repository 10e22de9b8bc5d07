"""From a model reference to a bundle: HOME/bundles/<digest>, immutable, with everything a release needs to know of the model.

- `making`: a reference -> fetched, described, profiled, compiled, in a staging folder that becomes the bundle by one rename or
  leaves nothing behind
- `ordering`: what an endpoint's settings ask of `making`; `meaning`: what a reference means just now, for who follows it
- `choosing`: Tidegate's own interpreter or an environment of the version's own, and why
- `predicates`: the endpoint's own check of answers: looked at, and taken into the bundle
- `profiling`: the model loaded once and asked its example: baseline profile; `outputs`: what it answers, and which classes it
  tells apart; `dependence`: on which inputs
- `adopting`: the compiled form in the place of the original; `reports`: what came of compiling, for people
- `__main__`: the steps that are processes of their own (`sources.children`)

Called by control, the control API, the command line and embedded models; none of them imports MLflow or a model by doing so. What
is refused (no signature, an unknown version, a pickle that nobody trusts) is refused before a byte of the model is loaded.

Not here: where models are (`sources`), what their files say (`describing`), their environments (`runtimes`), the data they were
trained with (`training`), serving, gates, and the choice of what to release.
"""
