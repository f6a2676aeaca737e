"""Code shared by several pages. A page imports this, never another page."""
