"""Speed, as ratios measured in one run: absolute seconds differ from machine to
machine, ratios less.
"""
