"""A swarm of random networks on which both engines must leave equal columns; what each of them holds is counted.

Swarm testing (Groce, Zhang, Eide, Chen and Regehr, ISSTA 2012): every network has whole features switched off and the
rest at wild weights, since features that are always there hide what happens without them. Nothing of `sim` is here.
"""
