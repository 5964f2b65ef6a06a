"""Flows and what runs them: the layer that knows Prefect, the settings and the terminal."""
