"""Bodies, cameras, meshes and rays: 3D geometry that several rooms share."""
