"""Contact of people with objects from where boxes and keypoints are, without pixels."""
