"""The Lacuna simulator from Python, through its command line: single runs, and design-space studies."""

from .explore import Results, Study
from .program import LacunaError, Program
from .runs import compare, simulate

__all__ = ["LacunaError", "Program", "Results", "Study", "compare", "simulate"]
