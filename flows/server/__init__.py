"""Prefect servers of ours: one a run brings along and shares, and one that stays; the user's own is only found.

====================  ==================================================================
``embedded``          the server of a run, shared by whoever needs it, gone with its last user
``embedded_process``  that server's process
``standing``          the server that stays, for deployments and schedules
``process``           what both do: one starter at a time, a state file, an end in order
``history_file``      the SQLite file of a history: its faults, and who may read it
``environment``       what both are told, and whether one answers
``patience``          calls that are repeated while the server lives
``address``           the server that the user's own settings name
``credentials``       the password of the one that stays
``deployments``       prefect.yaml brought to a server
====================  ==================================================================
"""
