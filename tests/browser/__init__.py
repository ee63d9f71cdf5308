"""The panel in Debian's Chromium, against a real broker and a real appliance."""
