"""What moves and what waits, wherever it is shown."""
