"""Where everything lies in the kernel's memory: one array of 64-bit words, and what the words of each record mean.

A record is known by the index of its first word, its *handle*; 0 is none. Doubles lie in the same memory, seen
through a second view. Two 31-bit handles or counts may share a word: the low one and the high one. `compile` writes
the program part; the kernel's files, named after the records, work on the rest.
"""

from sim.engine.fast.layout.header import *
from sim.engine.fast.layout.jobs import *
from sim.engine.fast.layout.places import *
from sim.engine.fast.layout.policies import *
from sim.engine.fast.layout.record import At as At
from sim.engine.fast.layout.record import Ref as Ref
from sim.engine.fast.layout.record import Word as Word
from sim.engine.fast.layout.steps import *
from sim.engine.fast.layout.world import *
