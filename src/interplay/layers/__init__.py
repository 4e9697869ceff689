"""Building blocks of networks that more than one model uses."""
