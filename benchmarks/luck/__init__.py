"""What the statistics of a sweep say where the truth is known: of settings without skill, and of planted edges."""
