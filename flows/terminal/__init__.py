"""What a person sees of a run on a terminal or in a log.

================  =================================================================
``console``       a run in lines, or only in errors
``live``          a run as it goes, drawn anew several times a second
``wording``       the sentences of both
``tables``        stored pairs, strategies, pairs of a run, ranks as tables
``stored_runs``   a run of before: its pairs, its ranking, its governor; two compared
``run_lists``     several runs in lines: all, those that go, what differs
``run_settings``  what a run was asked for, as flags
``block_chart``   a series over time in block characters
``plain_text``    a console that takes text for text, and names that are cut
``streams``       stdout and stderr: printable, and never the end of a run
``log_lines``     Prefect's log lines, above the live view
================  =================================================================
"""
