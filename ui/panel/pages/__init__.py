"""The pages; each registers itself with ``ui.panel.frame.page`` when it is imported."""
