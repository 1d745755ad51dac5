"""What happens to a store when things go wrong: LACUNA=path python3 -m unittest discover -s Python/tests

LACUNA_KILLS says how many kills are tried (6 by default).
"""

import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Python"))

from lacuna import Program, Results, Study  # noqa: E402

STUDY = f"""
lacuna_study: 1
name: trouble
machine: systolic-32x32
workloads:
  - {{trace: {ROOT}/Traces/resnet18.jsonl.zst}}
parameters:
  rows: {{path: array.rows, from: 8, to: 128, scale: log}}
  columns: {{path: array.columns, from: 8, to: 128, scale: log}}
objectives: [time, rows * columns]
sampler: SAMPLER
"""
SOBOL = "{kind: sobol, points: 12000}"
NSGA2 = "{kind: nsga2, population: 60, generations: 100}"


class TroubleTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.program = Program()

    def study(self, sampler=SOBOL):
        path = self.folder / "study.yaml"
        path.write_text(STUDY.replace("SAMPLER", sampler))
        return Study(path)

    def start(self, study, store, **options):
        words = [self.program.executable, "explore", study.path, "-o", str(store), "--resume"]
        return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options)

    def rows(self, store):
        connection = sqlite3.connect(store)
        try:
            return connection.execute("SELECT * FROM points ORDER BY point").fetchall()
        except sqlite3.OperationalError:  # killed before there was a table
            return []
        finally:
            connection.close()

    def check_part(self, store, whole):
        """What a store holds is whole, each point as in a run that nobody disturbed."""
        known = {row[0]: row for row in whole}
        rows = self.rows(store)
        self.assertTrue(all(known[row[0]] == row for row in rows))
        return len(rows)

    def test_a_killed_run_loses_nothing_that_was_written(self):
        kills = int(os.environ.get("LACUNA_KILLS", "6"))
        moments = random.Random(7)
        for sampler in (SOBOL, NSGA2):
            study = self.study(sampler)
            whole = self.folder / "whole.sqlite"
            begin = time.monotonic()
            study.run(whole)
            duration = time.monotonic() - begin
            expected = self.rows(whole)
            store = self.folder / "killed.sqlite"
            for _ in range((kills + 1) // 2):
                run = self.start(study, store)
                time.sleep(moments.uniform(0, duration))
                run.kill()
                run.communicate()
                if self.check_part(store, expected) == len(expected):
                    for name in (store, Path(f"{store}-wal"), Path(f"{store}-shm")):
                        name.unlink(missing_ok=True)
            study.run(store, resume=True)
            self.assertEqual(self.rows(store), expected)
            self.assertEqual(Results(store).csv(), Results(whole).csv())
            store.unlink()
            whole.unlink()

    def test_two_processes_may_fill_one_store(self):
        study = self.study()
        store, whole = self.folder / "two.sqlite", self.folder / "whole.sqlite"
        runs = [self.start(study, store) for _ in range(2)]
        for run in runs:
            message = run.communicate()[1]
            self.assertEqual(run.returncode, 0, message)
        self.assertEqual(Results(store).csv(), study.run(whole).csv())

    def check_full(self, store, run):
        message = run.communicate()[1]
        self.assertEqual(run.returncode, 1, message)
        self.assertIn("unwritable-file", message)
        self.assertIn(store.name, message)

    def test_a_file_that_may_not_grow_keeps_what_was_written(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that writing fails, as on a full disk
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))

        study = self.study()
        whole, store = self.folder / "whole.sqlite", self.folder / "full.sqlite"
        study.run(whole)
        self.check_full(store, self.start(study, store, preexec_fn=limit))
        self.assertLess(self.check_part(store, self.rows(whole)), 12000)
        self.assertEqual(study.run(store, resume=True).csv(), Results(whole).csv())

    def test_a_full_disk_keeps_what_was_written(self):
        mount = self.folder / "small"
        mount.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mount)], capture_output=True)
        if done.returncode != 0:
            self.skipTest("no small disk can be mounted here")
        self.addCleanup(subprocess.run, ["umount", str(mount)])
        study = self.study()
        whole, store = self.folder / "whole.sqlite", mount / "full.sqlite"
        study.run(whole)
        self.check_full(store, self.start(study, store))
        self.check_part(store, self.rows(whole))

    def test_a_finished_store_is_not_touched_by_what_is_refused(self):
        study = self.study()
        store = self.folder / "store.sqlite"
        study.run(store)
        before = store.read_bytes()
        other = self.folder / "other.yaml"
        other.write_text(STUDY.replace("SAMPLER", "{kind: sobol, points: 11}"))
        run = self.start(Study(other), store)
        self.assertIn("changed-study", run.communicate()[1])
        self.assertEqual(run.returncode, 2)
        self.assertEqual(store.read_bytes(), before)


if __name__ == "__main__":
    unittest.main()
