"""The same or different?"""

from fsl.ui.pages.compare.page import show_compare_page
from fsl.ui.shared.frame import bootstrap

bootstrap("Compare")
show_compare_page()
