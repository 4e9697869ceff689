"""What people do with objects: pose recipes and the goals that contact sets."""
