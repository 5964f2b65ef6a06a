"""Naive kernels, which look at every tick: what the engine is held against."""
