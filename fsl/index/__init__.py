"""Indexes: the nearest pictures of large collections, ranked by the network's own head."""
