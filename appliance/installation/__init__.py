"""Installation on Raspberry Pi OS and Debian: the standard library alone, for it runs on Debian's Python before anything is installed."""
