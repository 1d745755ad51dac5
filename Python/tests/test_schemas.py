"""Shipped files and written results, held to the JSON Schemas by a validator that is not Lacuna's."""

import json
import os
import pathlib
import subprocess
import unittest

try:
    import jsonschema
    import yaml
except ImportError:
    jsonschema = None

ROOT = pathlib.Path(__file__).resolve().parents[2]
LACUNA = os.environ.get("LACUNA", "lacuna")


def lacuna(*arguments):
    return subprocess.run([LACUNA, *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


@unittest.skipIf(jsonschema is None, "jsonschema and PyYAML are not installed")
class Schemas(unittest.TestCase):
    def validator(self, kind):
        schema = json.loads((ROOT / f"Configs/Schemas/{kind}.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        return jsonschema.Draft202012Validator(schema)

    def check(self, validator, document, name):
        for error in validator.iter_errors(document):
            self.fail(f"{name}: {error.json_path}: {error.message[:300]}")

    def test_shipped_descriptions_and_studies(self):
        for kind, folder in ("hardware", "Hardware"), ("study", "Studies"):
            validator = self.validator(kind)
            paths = sorted((ROOT / "Configs" / folder).glob("*.yaml"))
            self.assertTrue(paths)
            for path in paths:
                self.check(validator, yaml.safe_load(path.read_text()), path.name)

    def test_shipped_traces(self):
        validator = self.validator("trace")
        for path in sorted((ROOT / "Traces").glob("*.jsonl.zst")):
            lines = lacuna("trace", "cat", str(path)).splitlines()
            # Validators of others are slow: every kind of line that a trace has, not every line.
            seen = {}
            for line in map(json.loads, lines):
                seen.setdefault((line.get("kind"), line.get("phase"), tuple(line)), line)
            for line in seen.values():
                self.check(validator, line, path.name)

    def test_results(self):
        validator = self.validator("result")
        runs = [
            ("bert-large", "h200", "--sparsity", "weights=2:4"),
            ("resnet50", "s4", "--data-type", "int8", "--sparsity", "weights=16x"),
            ("resnet18-train", "sat", "--training", "bdwp", "--sparsity", "weights=2:8"),
            ("resnet18", "systolic-32x32"),
            ("resnet18", "sat", "--fidelity", "event"),
            ("resnet18", "h200", "--fidelity", "event", "--sparsity", "weights=2:4"),
        ]
        for trace, machine, *options in runs:
            text = lacuna(
                "simulate", f"Traces/{trace}.jsonl.zst", "--hardware", machine, *options, "--format", "json")
            self.check(validator, json.loads(text), f"{trace} on {machine}")

    def test_mistakes_are_found(self):
        machine = yaml.safe_load((ROOT / "Configs/Hardware/sat.yaml").read_text())
        validator = self.validator("hardware")

        def rejects(change):
            changed = json.loads(json.dumps(machine))
            change(changed)
            return not validator.is_valid(changed)

        self.assertTrue(rejects(lambda m: m.update(lanch=1)))
        self.assertTrue(rejects(lambda m: m.update(engine="s5")))
        self.assertTrue(rejects(lambda m: m["array"].pop("rows")))
        self.assertTrue(rejects(lambda m: m["array"]["clock"].update(value=200)))
        self.assertTrue(rejects(lambda m: m["array"]["clock"].update(value="200 GB")))
        self.assertTrue(rejects(lambda m: m["array"]["clock"].pop("source")))
        self.assertTrue(rejects(lambda m: m["array"]["rows"].update(value=0)))


if __name__ == "__main__":
    unittest.main()
