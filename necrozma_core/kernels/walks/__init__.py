"""Walks along time: from event to event over ticks or bars, and from trade to trade over an account."""
