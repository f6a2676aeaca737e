"""Draws the example pictures that ship with the package: fruit on white, in the manner of Fruits-360.

``python -m tools.draw_fruit`` writes the picture files in ``fsl/data/assets/fruit`` again.
"""
