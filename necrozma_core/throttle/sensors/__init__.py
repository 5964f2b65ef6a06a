"""What the machine says. Each reading has an age, or a reason why there is none; a missing one is never "fine".

================  =============================================================================
``readings``      one reading, all of them, and the protocol that a test replaces
``machine``       all of them together: what is read how often, and what is thrown away
``cpu``           processor time: the machine's, a control group's, our own processes'
``capacity``      cores that we may use: affinity, quotas, what the machine has
``cgroups``       the control groups that we are in, from the innermost to the root
``memory``        what is available, and what our processes hold
``surroundings``  temperature, battery, pressure
================  =============================================================================

A probe is a callable that returns a number or raises `Unavailable` with the reason. The roots of ``/proc`` and
``/sys`` are parameters everywhere.
"""
