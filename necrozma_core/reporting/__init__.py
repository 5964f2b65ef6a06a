"""Stored results as people read them: ``ranking`` orders, ``curves`` follows accounts, ``charts`` and ``page`` show."""
