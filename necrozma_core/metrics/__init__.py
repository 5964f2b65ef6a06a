"""Money to figures: ``formulas``, one function each; the ``figures`` of a strategy; its ``merit`` in a ranking."""
