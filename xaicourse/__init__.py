"""Explainable AI, taught by code whose every number is computed and checked."""

from xaicourse import torchvision_guard

__version__ = "0.1.0"

torchvision_guard.install()
