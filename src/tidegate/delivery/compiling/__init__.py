"""A model as ONNX, where that answers as the original does.

- `converting`: a model converted, and held to its original row by row
- `probes`: the rows that both are asked, in and between the data there is
- `graphs`: a loaded model -> graphs to try, the most exact first
- `ensembles`: forests inside skl2onnx; `forests`: boosted trees as plain arrays; `averages`: trees and averaged forests
- `nodes`: nodes into a container of skl2onnx

Called by the registry, in the process in which the model is asked its example. Nothing of a bundle is known here.
"""
