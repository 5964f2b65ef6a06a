"""How much of the machine may be used. Nothing in here knows what the work is; another program could use it.

==============  ==============================================================================
``throttle``    all of it behind one face
``limits``      what the user allows
``sensors``     what the machine says: each reading has an age, or a reason why there is none
``governor``    readings to an allowance of workers, a pure function; ``state`` and ``estimates`` are its memory
``danger``      when all rest: heat, a lack of memory
``start_up``    what the run's own start takes of it
``decisions``   what the governor decides, and the words for it
``gate``        admits tasks and says what workers are held to; ``worker_gate`` is where they wait
``schedule``    the windows of time of a fractional allowance; ``gate_file`` the file that is shared
``control``     the loop that joins the three
``priority``    how a worker steps behind everything else
==============  ==============================================================================

An allowance is a number of workers that may be a fraction: 1.6 is two workers, each running for 80 % of the time.
"""

from necrozma_core.face import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "Limits": "limits",
        "Priority": "priority",
        "Throttle": "throttle",
    },
)
