"""Admin scripts in the panel: written, run, watched, saved, deployed."""
