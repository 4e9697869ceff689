"""What an object of the generated world is."""
