"""InteractVLM: contact of people and objects in 3D from one photograph."""
