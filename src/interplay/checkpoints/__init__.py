"""Containers of other people's weights (torch, safetensors, TensorFlow), read without unpickling anything."""
