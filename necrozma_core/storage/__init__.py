"""What is at rest: ``ticks``, ``results``, ``runs``; ``disk`` is how each is published whole or not at all.

``results_folder`` says where results and runs are in a results folder.
"""
