"""Evidence: claims that take too long for CI, checked by `make evidence-NAME` and committed as `NAME.json`.

A claim is a test that is marked `long`; NAME is its folder in `tests`. `NAME.json` holds outcome and seconds of each
claim, and for each file of tests the digest of all sources that the outcome depends on (`sources`). `make evidence-ci`
fails where a claim has no evidence or a digest is stale, and repeats a fiftieth, another one at each commit.
Seeds stand in the tests.
"""
