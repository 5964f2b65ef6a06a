"""What a person sees of a run on a terminal or in a log.

===============  ========================================================
``console``      a run in lines, or only in errors
``live``         a run as it goes, drawn anew several times a second
``wording``      the sentences of both
``tables``       stored pairs, strategies and runs as tables
``stored_runs``  a run of before: its pairs, its ranking, its governor
``block_chart``  a series over time in block characters
``plain_text``   a console that takes text for text, and names that are cut
``streams``      stdout and stderr: printable, and never the end of a run
``log_lines``    Prefect's log lines, above the live view
===============  ========================================================
"""
