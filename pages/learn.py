"""How few-shot learning works, step by step, with parts that move."""

from fsl.ui.frame import bootstrap
from fsl.ui.learn.page import show_learn_page

bootstrap("Learn")
show_learn_page()
