"""The drill: recovery from one fault, many times."""
