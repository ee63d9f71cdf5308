"""The settings as a form: drawn from the schema that the appliance publishes, so that a new setting needs no change here."""
