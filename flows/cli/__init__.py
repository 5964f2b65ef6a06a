"""The command line.

==============  ===============================================================
``entry``       where the installed commands begin
``app``         the commands and their flags
``options``     the flags of settings, and those that several commands share
``starting``    from flags to a finished run
``data``        ``necrozma data`` and ``strategies``
``cleaning``    ``necrozma runs clean``
``runs``        ``necrozma runs``, ``verify`` and ``retry``
``server``      ``necrozma ui``, ``server``, ``deploy`` and ``worker``
``repair``      damaged results removed and computed anew
``doctor``      what this machine has, and what is not in order
``exits``       an error as one line and an exit code
``interrupts``  Ctrl-C and SIGTERM
==============  ===============================================================
"""
