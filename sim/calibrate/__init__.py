"""Models held against measurements: how a measured cell is asked of the simulator, and parameters fitted to cells.

cases -> predict -> study, least_squares -> uncertainty -> fits. What is particular to a product lives in `systems`.
"""
