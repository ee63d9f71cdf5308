"""The first steps on a new appliance, from the first admin to a file that was proven to come back."""
