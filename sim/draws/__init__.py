"""Random draws without a generator: each is a pure function of (seed, replication, stream, path, index).

`distributions` builds inverse distribution functions from what a user describes and needs no compiler;
`sampler` draws from them one at a time; `inverse` is what a compiled kernel calls. What is drawn for what, and
when, is the engine's affair.
"""
