"""What a model's requirements ask for, and the environments that have it.

- `packages`: what models of each loader are made with, and which of it is installed here
- `requirements`: requirement lines, and whether this interpreter meets them
- `interpreters`: uv and the Pythons of this machine; `locking`: lines -> a lock with hashes
- `runtimes`: a lock -> an environment in HOME/runtimes, shared by all versions with that lock

Called by the registry, which says which version gets one (`choosing`). Nothing of models or bundles is known here. `packages` is
imported in a model's own runtime too: the standard library is enough for it.
"""
