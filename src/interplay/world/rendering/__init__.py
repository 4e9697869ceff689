"""Rendering a scene: views, materials and light."""
