"""TIN's spatial stream: interactions from boxes alone; the default model."""
