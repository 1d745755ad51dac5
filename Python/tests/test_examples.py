"""The examples as a newcomer runs them: LACUNA=path python3 -m unittest discover -s Python/tests"""

import json
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "Python" / "examples"
sys.path.insert(0, str(ROOT / "Python"))

from lacuna import LacunaError, Program, compare, simulate  # noqa: E402

TRACE = ROOT / "Traces" / "resnet18.jsonl.zst"


def run(name, *arguments):
    words = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()


class ExampleTests(unittest.TestCase):
    def test_every_example_is_tried(self):
        tried = {"speedups.py", "front.py", "climb.py"}
        self.assertEqual({path.name for path in EXAMPLES.glob("*.py")}, tried)

    def test_speedups_lists_five_runs(self):
        lines = run("speedups.py", TRACE)
        self.assertEqual(len(lines), 6)
        for line in lines[1:]:
            hardware, pattern, _, speedup = line.split()[:4]
            answer = simulate(TRACE, hardware, sparsity=[f"weights={pattern}"], data_type="int8")
            self.assertEqual(speedup, f"{answer['speedup']:.2f}x")

    def test_front_ends_with_how_many_there_are(self):
        lines = run("front.py")
        self.assertRegex(lines[-1], r"^[1-9]\d* of [1-9]\d* points are on the front$")

    def test_climb_only_ever_gets_better(self):
        costs = [float(line.split()[0]) for line in run("climb.py", ROOT / "Configs/Studies/s4-memory.yaml", 60)]
        self.assertGreater(len(costs), 1)
        self.assertEqual(costs, sorted(set(costs), reverse=True))


class RunTests(unittest.TestCase):
    def test_a_run_is_what_the_program_writes(self):
        words = ["simulate", TRACE, "--hardware", "s4", "--sparsity", "weights=8x", "--data-type", "int8"]
        written = json.loads(Program().run([*words, "--format", "json"]))
        self.assertEqual(simulate(TRACE, "s4", sparsity=["weights=8x"], data_type="int8"), written)
        self.assertEqual(simulate(TRACE, "s4", sparsity="weights=8x", data_type="int8"), written)

    def test_machines_beside_each_other_are_those_alone(self):
        answer = compare(TRACE, ["h200", "s4"], data_type="int8")
        alone = {name: simulate(TRACE, name, data_type="int8")["totals"]["elapsed_s"] for name in ("h200", "s4")}
        found = {run["machine"]: run["totals"]["elapsed_s"] for run in answer["runs"]}
        self.assertEqual(sorted(found.values()), sorted(alone.values()))

    def test_what_the_program_refuses_is_raised_in_its_words(self):
        with self.assertRaises(LacunaError) as raised:
            simulate(TRACE, "h20", sparsity=["weights=2:4"])
        self.assertTrue(raised.exception.is_bad_input)
        self.assertIn("h200", str(raised.exception))


if __name__ == "__main__":
    unittest.main()
