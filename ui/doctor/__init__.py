"""``pyarchive doctor``: looks at a running system from end to end and says what to mend. It changes nothing."""
