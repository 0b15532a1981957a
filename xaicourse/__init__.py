"""Explainable AI, taught by code whose every number is computed, checked and verified."""

__version__ = "0.1.0"
