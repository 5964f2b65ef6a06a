"""Bars of feeds that have no ticks, at rest."""
