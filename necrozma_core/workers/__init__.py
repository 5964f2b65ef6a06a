"""The processes that do the work, and their keepers.

=============  ========================================================================
``pool``       N slots; hands each pair to a free one, keeps going when a worker dies
``slot``       one worker process behind a Pebble pool of one: called, watched, replaced
``spawn``      how a worker process comes to be: a bare child that dies with its parent
``prelude``    the child's first lines, before any import that reads the environment
``job``        what runs in the worker: gate and progress around the river for one pair
``sharing``    several workers on one pair, where fewer pairs are left than workers
``progress``   a small shared file that shows what every worker is doing
``cache``      the private folder of compiled kernels, wiped when it is damaged
``loading``    how a worker loads the engine, and when the kernels are to blame for a failure
``rehearsal``  a small backtest that loads or compiles every kernel before the first pair
``importing``  files of many pairs read by several processes and stored
``limits``     what one worker may take
=============  ========================================================================
"""

from necrozma_core.face import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "WorkerLimits": "limits",
        "WorkerPool": "pool",
    },
)
