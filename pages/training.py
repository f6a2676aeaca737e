"""Train a twin network and watch it learn."""

from fsl.ui.frame import bootstrap
from fsl.ui.training.page import show_training_page

bootstrap("Train")
show_training_page()
