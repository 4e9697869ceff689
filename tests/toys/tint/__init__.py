"""A system to try the checklist of docs/extending.md on: it tells interactions by a picture's mean colour."""
