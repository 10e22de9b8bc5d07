"""The data a model was trained with: found, read in pieces, every row counted.

- `training`: which data a bundle's baseline profile is of: what the file names, else what the model's run names and can be read
- `surveying`: all of its rows counted by column, in a process of its own, and an even sample for the model to answer
- `datasets`: CSV, Parquet and folders of it, here or where Arrow's file systems reach; `digests`: their sha256
- `basis`: what a baseline profile is of, for people

Called by the registry, lineage and the gates. Not here: the model itself, which answers the sample in another process
(`registry.profiling`), and what traffic is held against the profile by (`observability.drift`).
"""
