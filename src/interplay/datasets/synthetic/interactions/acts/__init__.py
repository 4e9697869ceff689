"""The acts, by kind of place or thing; importing this package fills `registry.ACTS`."""
