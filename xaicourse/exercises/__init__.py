"""The exercises of each notebook: checkers, hints, and the answers that their tests
try.
"""
