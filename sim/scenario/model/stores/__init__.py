"""Models of the stores that a platform may have, and of what stands before them."""
