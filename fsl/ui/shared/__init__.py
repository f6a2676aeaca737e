"""What several pages use. A page imports this, never another page."""
