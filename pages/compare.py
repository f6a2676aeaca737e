"""The same or different?"""

from fsl.ui.compare.page import show_compare_page
from fsl.ui.frame import bootstrap

bootstrap("Compare")
show_compare_page()
