"""The generated world's parts: bodies that can be posed and dressed, meshes, light and ray-cast pictures.

``examples/make_sample.py`` puts them together.
"""
