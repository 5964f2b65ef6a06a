"""Prefect tasks: thin steps between a flow and the core."""
