"""The program that everything else runs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Optional, Sequence, Union

PathLike = Union[str, "os.PathLike[str]"]


class LacunaError(Exception):
    """The program refused its input or failed; the text is what it said."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message.strip() or f"lacuna ended with status {status}")
        self.status = status

    @property
    def is_bad_input(self) -> bool:
        """Whether the input was at fault, and trying again is of no use."""
        return self.status == 2

    def __reduce__(self):  # an exception crosses processes by its arguments
        return (type(self), (self.status, str(self)))


class Program:
    """The `lacuna` executable: the given one, $LACUNA, a release build of this checkout, or the one on the path."""

    def __init__(self, executable: Optional[PathLike] = None) -> None:
        built = Path(__file__).resolve().parents[2] / ".build" / "release" / "lacuna"
        found = executable or os.environ.get("LACUNA") or (built if built.exists() else shutil.which("lacuna"))
        if not found:
            raise FileNotFoundError("there is no lacuna: build it with Scripts/lacuna, or set LACUNA to its path")
        self.executable = os.path.abspath(os.fspath(found))

    def run(self, arguments: Sequence[PathLike], input: str = "") -> str:
        """Runs the program and returns its standard output; raises LacunaError with what it said otherwise."""
        words = [self.executable] + [os.fspath(argument) for argument in arguments]
        done = subprocess.run(words, input=input, capture_output=True, text=True)
        if done.returncode != 0:
            raise LacunaError(done.returncode, done.stderr)
        return done.stdout
