"""The formats that ticks come in, one a file; ``registry`` tells which of them a file has."""
