"""The web panel: pages over what the appliance publishes and answers. A client of the contract, like every other."""
