"""How near a search comes to trying everything: LACUNA=path python3 -m unittest discover -s Python/tests"""

import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Python"))

from lacuna import Study  # noqa: E402

# 100,352 arrays with their memory and buffers, by time and by a cost that all of it adds to.
STUDY = f"""
lacuna_study: 1
name: search
machine: systolic-32x32
workloads:
  - {{trace: {ROOT}/Traces/resnet18.jsonl.zst}}
parameters:
  rows: {{path: array.rows, from: 8, to: 128, steps: 16}}
  columns: {{path: array.columns, from: 8, to: 128, steps: 16}}
  stream: {{path: dram.stream_bandwidth, from: 8 GB/s, to: 64 GB/s, steps: 8}}
  peak: {{path: dram.peak_bandwidth, equals: stream * 1.1}}
  input: {{path: buffers.input, from: 64 KiB, to: 4 MiB, scale: log, steps: 7}}
  output: {{path: buffers.output, from: 64 KiB, to: 4 MiB, scale: log, steps: 7}}
objectives: [time, {{minimize: rows * columns + (input + output) / 256 + stream / 1e7, name: cost}}]
sampler: SAMPLER
"""


def hypervolume(points, reference):
    """The area that points beat below a reference, both objectives to be made small."""
    area, height = 0.0, reference[1]
    for x, y in sorted(points):
        if x < reference[0] and y < height:
            area += (reference[0] - x) * (height - y)
            height = y
    return area


class SearchTests(unittest.TestCase):
    def test_a_twentieth_of_the_evaluations_finds_99_percent_of_the_front(self):
        with tempfile.TemporaryDirectory() as folder:
            fronts = []
            for name, sampler in [("all", "grid"), ("search", "{kind: nsga2, population: 56, generations: 89}")]:
                path = Path(folder) / f"{name}.yaml"
                path.write_text(STUDY.replace("SAMPLER", sampler))
                results = Study(path).run(Path(folder) / f"{name}.sqlite")
                fronts.append([(point["time_seconds"], point["cost"]) for point in results.pareto()])
        everything, found = fronts
        # From the worst ends of the whole front: what lies far from it counts for nothing.
        reference = tuple(max(point[axis] for point in everything) for axis in (0, 1))
        share = hypervolume(found, reference) / hypervolume(everything, reference)
        print(f"\n{len(everything)} points on the front; 4984 of 100352 evaluations find {100 * share:.2f} % of it")
        self.assertGreaterEqual(share, 0.99)
        self.assertLessEqual(share, 1)


if __name__ == "__main__":
    unittest.main()
