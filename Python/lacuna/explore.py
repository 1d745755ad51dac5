"""Studies and their results."""

from __future__ import annotations

import json
import os
import sqlite3
from typing import Any, Dict, Iterator, List, Optional, Sequence

from .program import PathLike, Program


class Study:
    """A study: a YAML file that says which designs to try and what is sought."""

    def __init__(self, path: PathLike, program: Optional[Program] = None) -> None:
        self.path = os.path.abspath(os.fspath(path))
        self.program = program or Program()
        self._header: Optional[Dict[str, Any]] = None

    def dry_run(self) -> str:
        """What a run would do, as text; raises LacunaError for a study with mistakes."""
        return self.program.run(["explore", self.path, "--dry-run"])

    def run(self, store: PathLike, resume: bool = False, threads: Optional[int] = None) -> "Results":
        """Evaluates all points into a store of results."""
        words: List[PathLike] = ["explore", self.path, "-o", store]
        if resume:
            words.append("--resume")
        if threads:
            words += ["--threads", str(threads)]
        self.program.run(words)
        return Results(store, self.program)

    def run_shard(self, index: int, count: int, threads: int = 1) -> str:
        """Evaluates part `index` of 1…`count`; returns its lines of JSON for `merge`."""
        return self.program.run(
            ["explore", self.path, "--shard", f"{index}/{count}", "--threads", str(threads)])

    def plan(self) -> List[Dict[str, Any]]:
        """The points in order: index, id and values."""
        lines = self.program.run(["explore", "plan", self.path]).splitlines()
        return [point for point in map(json.loads, lines) if "point" in point]

    def header(self) -> Dict[str, Any]:
        """What names the study, its free parameters (`free`: name and number of values) and its `objectives`."""
        if self._header is None:
            self._header = json.loads(self.program.run(["explore", self.path, "--points", "-"], "\n").splitlines()[0])
        return self._header

    def evaluate(self, points: Sequence[Sequence[float]], threads: Optional[int] = None) -> List[Dict[str, Any]]:
        """The answers for points of one's own choice: a number from 0 to 1 for each free parameter."""
        lines = [json.dumps(self.header())]
        lines += [json.dumps({"point": index, "coordinates": list(point)}) for index, point in enumerate(points)]
        words: List[PathLike] = ["explore", self.path, "--points", "-"]
        if threads:
            words += ["--threads", str(threads)]
        return [json.loads(line) for line in self.program.run(words, "\n".join(lines) + "\n").splitlines()[1:]]

    def merge(self, parts: Sequence[PathLike], store: PathLike) -> "Results":
        """Puts files of shards together, in any order; raises LacunaError where one is missing."""
        self.program.run(["explore", "merge", self.path, *parts, "-o", store])
        return Results(store, self.program)


class Results:
    """A store of results."""

    def __init__(self, path: PathLike, program: Optional[Program] = None) -> None:
        self.path = os.path.abspath(os.fspath(path))
        self.program = program or Program()

    def __iter__(self) -> Iterator[Dict[str, Any]]:
        """Every point in order, a dictionary of its columns; figures are in base units."""
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        try:
            connection.row_factory = sqlite3.Row
            for row in connection.execute("SELECT * FROM points ORDER BY point"):
                yield dict(row)
        finally:
            connection.close()

    def frame(self) -> Any:
        """All points as a pandas data frame."""
        import pandas  # only who asks for a frame needs it

        return pandas.DataFrame(list(self))

    def pareto(self) -> List[Dict[str, Any]]:
        """The feasible points that no other beats, by the first objective."""
        return self._points(["pareto"])

    def best(self, count: int = 10, objective: Optional[str] = None) -> List[Dict[str, Any]]:
        """The best feasible points by an objective, the first unless named."""
        return self._points(["best", "--count", str(count)] + (["--objective", objective] if objective else []))

    def summary(self) -> Dict[str, Any]:
        """Counts, reasons, hypervolume, what explains the variance, and the front."""
        return json.loads(self.program.run(["explore", "show", self.path, "--format", "json"]))

    def machine(self, point: int) -> str:
        """A point's machine as a description that `--hardware` takes."""
        return self.program.run(["explore", "show", self.path, "--point", str(point), "--machine"])

    def csv(self) -> str:
        """All points as CSV: equal results give equal bytes."""
        return self.program.run(["explore", "export", self.path])

    def _points(self, words: List[str]) -> List[Dict[str, Any]]:
        text = self.program.run(["explore", words[0], self.path, *words[1:], "--format", "json"])
        return json.loads(text)["points"]
