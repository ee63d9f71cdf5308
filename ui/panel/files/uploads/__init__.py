"""Resumable uploads: the protocol (``uploads``), and the page that speaks it (``page``)."""
