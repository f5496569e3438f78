"""The engine held against closed forms and Markov chains."""
