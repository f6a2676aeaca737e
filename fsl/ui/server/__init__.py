"""What stands around the pages: checks of each request, headers of each answer, and the HTTP routes."""
