"""Who is told when nobody looks."""
