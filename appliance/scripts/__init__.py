"""Admin scripts: what is saved, what runs, what has run, and when the next turn is."""
