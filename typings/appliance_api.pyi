# A script says `from appliance_api import appliance`: the runner puts that module in its way. For mypy it is this one.
from firmware_scripts.appliance_api import *  # noqa: F403 - all that it has
