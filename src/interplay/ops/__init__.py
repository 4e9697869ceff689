"""Pure functions on arrays: boxes, overlaps, pair suppression, the best k, names of images."""
