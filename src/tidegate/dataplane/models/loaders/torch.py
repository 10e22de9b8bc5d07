"""PyTorch models: TorchScript (`torch.jit.save`), exported programs (`torch.export.save`), and modules pickled by MLflow.

All three need trust: an exported program's weights are pickles, TorchScript is a program, and both run while they load.
Options: `format` (torchscript, export, pickle), `code` (a folder of modules to put on the path).

A module is called with one tensor an input, in the signature's order; columns are one float32 matrix, as MLflow passes them. It
answers a tensor, several of them, or a dict of them by output name.
"""

from typing import Any

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, bundles
from tidegate.dataplane.models.loaders import arrays, trusted


class Model:
    """A module in evaluation mode."""

    classes: tuple[Any, ...] = ()
    columns: tuple[str, ...] = ()

    def __init__(self, module: Any, bundle: bundles.Bundle) -> None:
        """Raises ModelLoadFailed for inputs that no tensor can hold."""
        import torch  # noqa: PLC0415 - the bundle's own package

        self._torch, self._module = torch, module
        signature = bundle.manifest.signature
        self._outputs = signature.outputs
        self._readers = _readers(signature)

    def answer(self, batch: batches.Batch) -> Any:
        """An array, or arrays by output name."""
        torch = self._torch
        with torch.inference_mode():
            said = self._module(*(torch.from_numpy(read(batch)) for read in self._readers))
        if isinstance(said, torch.Tensor):
            return said.numpy()
        if isinstance(said, dict):
            return {str(name): one.numpy() for name, one in said.items()}
        names = [output.name for output in self._outputs] or [f"output_{place}" for place in range(len(said))]
        return {name: one.numpy() for name, one in zip(names, said, strict=False)}

    def predict(self, batch: batches.Batch) -> batches.Values:
        """Values by output name."""
        return arrays.values(self.answer(batch), self._outputs)

    def under(self, bundle: bundles.Bundle) -> "Model":
        """The same module under another manifest of the same files."""
        return Model(self._module, bundle)


def _readers(signature: manifests.Signature) -> list[arrays.Reader]:
    if signature.kind == "tensor":
        return [arrays.tensor(column) for column in signature.inputs]
    if not arrays.numeric(signature):
        raise errors.ModelLoadFailed("a PyTorch model takes numbers, and its signature has columns that are none")
    return [arrays.matrix(signature, "float32")]


def load(bundle: bundles.Bundle) -> Model:
    """The model. Raises TrustRequired before anything is read when nobody has trusted it."""
    options = bundle.manifest.options
    trusted.demand(bundle, f"{bundle.manifest.entry} is a PyTorch model")
    if code := options.get("code", ""):
        trusted.put_on_path(bundle.folder / code)
    import torch  # noqa: PLC0415 - the bundle's own package

    torch.set_num_threads(1)
    return Model(_module(torch, bundle, options.get("format", "torchscript")), bundle)


def _module(torch: Any, bundle: bundles.Bundle, form: str) -> Any:
    path = str(bundle.entry)
    if form == "export":
        return torch.export.load(path).module()
    loaded = torch.jit.load(path, map_location="cpu") if form == "torchscript" else _unpickled(torch, path)
    loaded.eval()
    return loaded


def _unpickled(torch: Any, path: str) -> Any:
    loaded = torch.load(path, map_location="cpu", weights_only=False)
    if not isinstance(loaded, torch.nn.Module):
        raise errors.ModelLoadFailed(
            f"the file holds a {type(loaded).__name__}, not a module.", cure="Save the module itself, or its TorchScript."
        )
    return loaded
