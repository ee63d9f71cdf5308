"""A day of typical work in minutes, with the real processes; what grows is found by the curve (``./install.sh campaign soak``)."""
