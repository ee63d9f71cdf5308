"""How the runner executes a script: a keeper process holds each run, and nothing of the run outlives it."""
