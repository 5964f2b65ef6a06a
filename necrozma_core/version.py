"""Which version this is; stated here and read by the build."""

__version__ = "0.5.0"
