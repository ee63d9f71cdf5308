"""What is looked at, a file a group; each check is a function from the case to what was found, a line each."""
