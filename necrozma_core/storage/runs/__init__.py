"""The runs of a results folder.

==============  ==========================================================
``folder``      one run's folder; ``manifest`` is what is recorded there
``listing``     all runs, found by name; the dead among them marked
``comparison``  what differs between two runs
``untold``      runs that a history elsewhere has yet to be told of
``cleaning``    old runs removed
``verify``      everything read again, against its hash
==============  ==========================================================
"""
