"""Realistic ticks from a seed: ``quotes`` of pairs, drawn from the ``market`` that they share."""
