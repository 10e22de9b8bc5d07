"""One module a format; each has `load(bundle) -> Model`, an object with `predict(batch) -> values`.

- `sklearn`, `lightgbm`, `xgboost`, `onnx`, `torch`, `python`: read natively; `pyfunc`: whatever else MLflow loads
- `catalog` names them: a new format is a module here and a line there
- `arrayed`: what is asked with an array or a frame of its columns; `arrays`: batches as these, answers as values
- `sessions`: ONNX Runtime's; `estimators`: scikit-learn asked cheaply
- `trusted`: what models that bring code need first

A loader imports the packages of its format inside functions only, since they belong to the bundle's runtime and not to Tidegate.
It decodes nothing and checks nothing: it is given a valid batch and hands back what the model said, by output name.

Not here: deciding whom to trust (the manifest says it), and making bundles.
"""
