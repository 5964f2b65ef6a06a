"""The operating system, as far as its kinds differ: one seam for all that POSIX has and Windows has not.

=============  ==========================================================================
``chosen``     which of the two implementations this process uses
``portable``   what works on every system that Python and psutil know
``posix``      what Linux and macOS do better: locks on folders, groups, limits, priorities
``locks``      locks on files, which have no portable form at all
``refusals``   what the system refused, as a line that says what to do
=============  ==========================================================================

A call that exists on one kind of system alone stands here and nowhere else; mypy reads the whole product for each of
them. See docs/decisions/0018-one-seam-for-the-system.md.
"""
