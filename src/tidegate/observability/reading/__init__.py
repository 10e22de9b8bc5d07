"""What the recorded log's readers share: what a record says, and what the routing table says about it.

- `bodies`: inputs of logged requests by column, in whatever form they came
- `outputs`: what was answered beside the answer, by series
- `rules`: how outcomes are held against predictions, how copies are compared, what is kept of inputs

Called by joining, profiling and recording; by replay and by labelling, too. Nothing is kept here and nothing counted.
"""
