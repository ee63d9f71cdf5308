"""Connections as the pages show them: cards, the steps from a new one to an active one, what is asked before something is given up."""
