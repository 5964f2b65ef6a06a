"""Catalogs of built-in strategies beside the default fifty.

==================== ============================================================================
``extended``         some two hundred, which use every order and every natural exit
``trends``           its crossings, channels and momentum, with stops that follow
``reversions``       its rules against extremes, closed where the extreme has passed
``breakouts``        its sessions and bursts, entered by orders that wait and closed by the clock
``variants``         how one rule becomes several strategies
==================== ============================================================================
"""
