"""What the pages of archives are made of."""
