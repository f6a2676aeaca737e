"""Small networks, pictures, scores and page actions that several test files share."""
