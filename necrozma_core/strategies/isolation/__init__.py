"""A user's strategies kept apart from the engine and from each other.

==================== ============================================================================
``opening``          where a user's file runs: in this process or in one of its own
``isolated``         a user's file in a process of its own, seen from the worker
``keeper``           what runs in that process, and in the one that makes and watches it
``frames``           messages between them
``answers``          what a strategy answers, and that it leaves everything as it was
``surroundings``     what strategies share without being told: put back after each
``process_settings`` the settings of a process that are put back
==================== ============================================================================
"""
