"""Where models are: what a reference means, and what MLflow has behind it.

- `sources`: mlflow://NAME@ALIAS, mlflow://NAME/VERSION, a path -> what it means
- `asking`: `resolve` -> the reference with nothing left open; `available` -> what there is; `fetch` -> its files and provenance
- `locating`, `database`, `tracking`: where MLflow is; its SQLite file read directly; its own client for everything else
- `runs`: what MLflow says of a run, in our words
- `children`: steps that are processes of their own: MLflow's client (with its credentials; runs no model), and what runs a model
  (without any credentials, in the runtime it will be served in); `registry` has the program that does them

Called by whoever has a reference; nobody imports MLflow by doing so. Not here: what the files of a model say (`describing`).
"""
