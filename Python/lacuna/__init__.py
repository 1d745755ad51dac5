"""Runs design-space studies of the Lacuna simulator through its command line."""

from .explore import Results, Study
from .program import LacunaError, Program

__all__ = ["LacunaError", "Program", "Results", "Study"]
