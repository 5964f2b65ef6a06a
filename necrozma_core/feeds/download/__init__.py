"""Files of ticks from the services that give them away, one at a time and politely.

==============  =============================================================
``fetching``    an order fetched, and what came of it: `download`
``sources``     the sources by name
``dukascopy``   hours, as JSON
``exness``      months, and the days of the running month, as zips
``histdata``    months, as zips behind a form
``addresses``   where each source is, and whose terms its data are under
``order``       what is wanted, and the files that it stands for
``spans``       the hours, days and months of a range
``client``      asks until it has the whole answer: waits, resumes, gives up
``connection``  one connection: a request, its answer, the bytes as they come
``answers``     what the headers of an answer say
``partial``     a file that is not complete yet
``manners``     how patient and how quick a client is
==============  =============================================================
"""
