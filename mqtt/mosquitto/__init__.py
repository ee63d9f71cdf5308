"""Mosquitto as the appliance's broker: its configuration, its logins and what each may do, and the bridge to another broker."""
