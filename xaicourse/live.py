"""Live coding: ``%load_ext xaicourse.live`` gives a notebook the magic ``%live``."""

from xaicourse.teaching.live import load_ipython_extension

__all__ = ["load_ipython_extension"]
