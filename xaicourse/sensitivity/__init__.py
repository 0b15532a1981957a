"""Sensitivity analysis: how much an output changes when an input does, at a point and over a whole range."""
