"""What the files of a model say of themselves, read before anything of them is run.

- `describing`: a reference -> its files and what they say, or what can be foreseen of them
- `mlmodel`, `flavours`: the MLmodel file of a model directory -> loader, signature, requirements, example
- `bare`: model files that nobody has described
- `examples`, `signatures`: rows of an example, and the signature they have or MLflow declared

Called by the registry, training and the command line. What is refused (no signature, a pickle that nobody trusts) is refused
here, before a byte of the model is loaded.
"""
