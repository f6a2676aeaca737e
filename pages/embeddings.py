"""See what the twin network sees."""

from fsl.ui.pages.embeddings.page import show_embeddings_page
from fsl.ui.shared.frame import bootstrap

bootstrap("Embeddings")
show_embeddings_page()
