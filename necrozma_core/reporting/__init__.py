"""Stored results as people read them: ``ranking`` orders them, ``page`` shows them, ``charts`` draws."""
