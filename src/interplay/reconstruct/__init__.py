"""A person and an object together in 3D, from one photograph."""
