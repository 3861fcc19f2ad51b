"""What the probability flow is good for besides sampling: encoding, inversion, densities and bounds."""
