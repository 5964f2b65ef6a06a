"""Other backtesters on the same bars, in an environment of their own: ``make bench-peers``."""
