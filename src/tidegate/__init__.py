"""Tidegate delivers machine-learning models to production safely: a gate that opens step by step and shuts by itself.

Wings, left never importing right: `core < dataplane < (delivery | observability) < control < interface`.
"""
