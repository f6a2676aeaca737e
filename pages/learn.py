"""How few-shot learning works, step by step, with parts that move."""

from fsl.ui.pages.learn.page import show_learn_page
from fsl.ui.shared.frame import bootstrap

bootstrap("Learn")
show_learn_page()
