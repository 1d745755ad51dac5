"""The package against the built program: LACUNA=path python3 -m unittest discover -s Python/tests"""

import json
import math
import os
import signal
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Python"))

from lacuna import LacunaError, Results, Study  # noqa: E402

STUDY = f"""
lacuna_study: 1
name: small
machine: systolic-32x32
workloads:
  - {{trace: {ROOT}/Traces/resnet18.jsonl.zst}}
parameters:
  rows: {{path: array.rows, from: 8, to: 128, scale: log}}
  columns: {{path: array.columns, from: 8, to: 128, scale: log}}
  elements: {{equals: rows * columns}}
objectives: [time, elements]
sampler: {{kind: sobol, points: 60}}
"""


class StudyTests(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.study = Study(self.write("study.yaml", STUDY))

    def write(self, name, text):
        path = Path(self.folder.name) / name
        path.write_text(text)
        return path

    def store(self, name):
        return str(Path(self.folder.name) / name)

    def test_a_run_gives_every_point(self):
        results = self.study.run(self.store("run.sqlite"))
        points = list(results)
        self.assertEqual([point["point"] for point in points], list(range(60)))
        feasible = [point for point in points if point["verdict"] == "feasible"]
        best = results.best(1, "time")[0]
        self.assertEqual(best["time_seconds"], min(point["time_seconds"] for point in feasible))
        front = {point["point"] for point in results.pareto()}
        beaten = {
            a["point"] for a in feasible for b in feasible
            if (b["time_seconds"], b["elements"]) != (a["time_seconds"], a["elements"])
            and b["time_seconds"] <= a["time_seconds"] and b["elements"] <= a["elements"]
        }
        self.assertEqual(front, {point["point"] for point in feasible} - beaten)
        self.assertEqual(json.loads(results.machine(best["point"]))["array"]["rows"]["value"], best["rows"])

    def test_shards_merge_to_the_same_bytes(self):
        whole = self.study.run(self.store("whole.sqlite")).csv()
        parts = [self.write(f"part{i}", self.study.run_shard(i, 4)) for i in (2, 4, 1, 3)]
        self.assertEqual(self.study.merge(parts, self.store("merged.sqlite")).csv(), whole)
        with self.assertRaises(LacunaError) as raised:
            self.study.merge(parts[1:], self.store("lacking.sqlite"))
        self.assertIn("missing-points", str(raised.exception))
        self.assertFalse(os.path.exists(self.store("lacking.sqlite")))

    def test_a_plan_has_every_point(self):
        plan = self.study.plan()
        self.assertEqual([point["point"] for point in plan], list(range(60)))

    def test_mistakes_are_told(self):
        bad = Study(self.write("bad.yaml", STUDY.replace("array.rows", "aray.rows")))
        with self.assertRaises(LacunaError) as raised:
            bad.dry_run()
        self.assertTrue(raised.exception.is_bad_input)
        self.assertIn("did you mean 'array.rows'?", str(raised.exception))

    def test_a_frame_has_a_row_for_each_point(self):
        try:
            import pandas  # noqa: F401
        except ImportError:
            self.skipTest("pandas is not there")
        self.assertEqual(len(self.study.run(self.store("frame.sqlite")).frame()), 60)

    def test_points_of_ones_own_choice_have_the_answers_of_a_run(self):
        points = list(self.study.run(self.store("run.sqlite")))
        free = self.study.header()["free"]
        self.assertEqual([parameter["name"] for parameter in free], ["rows", "columns"])
        # 8 and 128 are the ends of both ranges.
        answers = self.study.evaluate([[0, 0], [1, 1]])
        self.assertEqual([answer["values"] for answer in answers], [[8, 8, 64], [128, 128, 16384]])
        first = math.log(points[0]["rows"] / 8) / math.log(16), math.log(points[0]["columns"] / 8) / math.log(16)
        answer = self.study.evaluate([first])[0]
        self.assertEqual(answer["values"], [points[0]["rows"], points[0]["columns"], points[0]["elements"]])
        self.assertEqual(answer["objectives"][0], points[0]["time_seconds"])

    def test_optuna_searches_a_study(self):
        try:
            import optuna
        except ImportError:
            self.skipTest("optuna is not there")
        from lacuna.optuna import create_study, optimize

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        search = create_study(self.study)
        answers = optimize(self.study, search, 120)
        self.assertEqual(len(search.trials), 120)
        for trial, answer in zip(search.trials, answers):
            self.assertEqual(trial.values, answer["objectives"])
        # Both ends of the front are far apart, and found.
        elements = sorted(trial.values[1] for trial in search.best_trials)
        self.assertLess(elements[0], 200)
        self.assertGreater(elements[-1], 4000)

    def test_a_cluster_that_loses_a_worker_gives_the_same_bytes(self):
        try:
            from distributed import Client, LocalCluster
        except ImportError:
            self.skipTest("distributed is not there")
        from lacuna.dask import run_on

        whole = self.study.run(self.store("whole.sqlite")).csv()
        with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(
            cluster
        ) as client:
            victims = list(client.run(os.getpid).values())

            def kill():
                time.sleep(1)
                os.kill(victims[0], signal.SIGKILL)

            killer = threading.Thread(target=kill)
            killer.start()
            results = run_on(client, self.study, self.store("dask.sqlite"), shards=20)
            killer.join()
        self.assertEqual(results.csv(), whole)


if __name__ == "__main__":
    unittest.main()
