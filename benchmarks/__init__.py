"""Measurements of the product: parity with a naive reference first, time second.

``python -m benchmarks`` (or ``make bench``) prints every table; ``--write`` puts them into docs/performance.md.
Nothing here is asserted by the tests: a shared machine is not a stopwatch.
"""
