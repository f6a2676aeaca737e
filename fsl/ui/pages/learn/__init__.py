"""The Learn page: seven steps from the idea of few-shot learning to a decision threshold."""
