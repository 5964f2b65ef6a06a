"""One pair, from its ticks to stored results.

==================  ========================================================================
``request``         what is asked of a worker, and the receipt it answers with
``key``             the address of a result: a hash of all that it depends on
``river``           ticks -> bars -> signals -> trades -> metrics -> store, in one place
``market_loading``  the data of a pair that all its strategies share
``outcome``         what the stages hand to each other
``recording``       what strategies came to, on its way to the store
``parts``           one pair by several workers
``stage_clock``     how long each stage takes
==================  ========================================================================
"""

from necrozma_core.face import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "PairRequest": "request",
        "Receipt": "request",
        "evaluate_pair": "river",
        "with_key": "key",
    },
)
