"""Train a twin network and watch it learn."""

from fsl.ui.pages.training.page import show_training_page
from fsl.ui.shared.frame import bootstrap

bootstrap("Train")
show_training_page()
