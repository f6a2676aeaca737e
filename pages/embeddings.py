"""See what the twin network sees."""

from fsl.ui.embeddings.page import show_embeddings_page
from fsl.ui.frame import bootstrap

bootstrap("Embeddings")
show_embeddings_page()
