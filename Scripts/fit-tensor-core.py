#!/usr/bin/env python3
"""Fits the free constants of Configs/Hardware/h200.yaml to measured GEMMs, and reports errors on unseen layers.

    pip install numpy scipy
    swift build -c release && python3 Scripts/fit-tensor-core.py [--write]

The model is the program itself: every evaluation writes a machine description with trial constants and simulates all
measured GEMMs with it. Sustained times and energies (time x power) are fitted together, in logarithms, with a loss
that outliers do not rule. Each family of layers is then predicted by a fit that has not seen it. --write puts the
constants fitted to everything into the description. BF16 and dense INT8 are left out: the library runs 2:4 BF16 with
few tokens and dense INT8 on older kernels, which is not the hardware.
"""
import argparse, csv, io, json, pathlib, re, subprocess, tempfile
import numpy as np
from scipy.optimize import least_squares

ROOT = pathlib.Path(__file__).resolve().parent.parent
MACHINE = ROOT / "Configs/Hardware/h200.yaml"
# Constant: (section, key, unit, lower and upper bound).
FREE = [
    ("multiprocessors", "matrix_setup", "us", 0.1, 4), ("multiprocessors", "sparse_setup", "us", 0.1, 4),
    ("multiprocessors", "pipeline_fill", "cycles", 50, 4000),
    ("multiprocessors", "step_overhead", "cycles", 5, 600),
    ("multiprocessors", "issue_efficiency", "", 0.7, 1), ("shared_memory", "port_efficiency", "", 0.5, 1),
    ("shared_memory", "off_chip_bandwidth", "GB/s", 32, 130),
    ("multiprocessors", "epilogue_port", "B/clk", 4, 128), ("l2", "bandwidth", "B/clk", 2500, 10000),
    ("fp16", "mac_energy", "pJ", 0.3, 4), ("fp8", "mac_energy", "pJ", 0.1, 3), ("int8", "mac_energy", "pJ", 0.1, 3),
    ("shared_memory", "energy", "pJ/B", 0.2, 12), ("l2", "energy", "pJ/B", 1, 80),
    ("power", "idle", "W", 130, 260), ("power", "voltage_floor", "", 0.05, 0.9),
]

# A clock is a single noisy reading; it tells cycles from megahertz where power limits both.
CLOCK_WEIGHT = 0.3


def constant(section, key):
    # The section's name at the start of a line (data types are indented), then the first such key after it.
    return re.compile(rf"(^ *{section}:\n(?:(?!^\S).*\n)*? *{key}: {{value: )([^,]*)(,)", re.M)


def description(text, values):
    for (section, key, unit, _, _), value in zip(FREE, values):
        number = f"{value:.0f}" if unit == "cycles" else f"{value:.3g}" if value < 1000 else f"{value:.0f}"
        text, count = constant(section, key).subn(rf"\g<1>{number} {unit}".rstrip() + r"\g<3>", text)
        assert count == 1, (section, key, count)
    return text


def measurements():
    rows = []
    for row in csv.DictReader(open(ROOT / "Configs/Reference/h200_gemm.csv")):
        for kind in ("dense", "sparse24"):
            if row["dtype"] == "bf16" or (row["dtype"] == "int8" and kind == "dense"):
                continue
            rows.append(dict(
                family=row["layer"].split("/")[0], dtype=row["dtype"], kind=kind,
                shape=(int(row["m"]), int(row["n"]), int(row["k"])),
                time=float(row[f"{kind}_us"]) * 1e-6, power=float(row[f"{kind}_w"]),
                clock=float(row[f"{kind}_mhz"]) * 1e6))
    return rows


class Model:
    """Runs the simulator on all measured GEMMs, each by itself: inputs and results in off-chip memory."""

    def __init__(self, rows, folder):
        self.text = MACHINE.read_text()
        self.machine = folder / "trial.yaml"
        self.trace = folder / "gemms.jsonl"
        lines = [json.dumps({"lacuna_trace": 1, "name": "gemms", "source": "fit"})]
        for index, row in enumerate(rows):
            m, n, k = row["shape"]
            op = dict(name=f"g{index}", kind="gemm", dtype=row["dtype"], m=m, n=n, k=k)
            if row["dtype"] in ("fp8", "int8"):
                op["out_dtype"] = "bf16"
            if row["kind"] == "sparse24":
                op["sparsity"] = {"weights": "2:4"}
            lines.append(json.dumps(op))
        # One dependency keeps the list from being taken as a chain whose operands stay on chip.
        lines.append(json.dumps(dict(
            name="end", kind="elementwise", dtype="fp16", function="copy", elements=1, inputs=1, deps=[0])))
        self.trace.write_text("\n".join(lines) + "\n")

    def __call__(self, values):
        self.machine.write_text(description(self.text, values))
        output = subprocess.run(
            [ROOT / ".build/release/lacuna", "simulate", self.trace, "--hardware", self.machine, "--format", "csv"],
            check=True, stdout=subprocess.PIPE, text=True).stdout
        rows = [r for r in csv.DictReader(io.StringIO(output)) if r["operator"].startswith("g")]
        return (np.array([float(r[key]) for r in rows]) for key in ("elapsed_s", "energy_j", "clock_hz"))


def fit(model, rows, mask, start):
    low, high = (np.log([f[i] for f in FREE]) for i in (3, 4))
    time = np.array([r["time"] for r in rows])
    energy = time * np.array([r["power"] for r in rows])

    clock = np.array([r["clock"] for r in rows])

    def residuals(x):
        t, e, f = model(np.exp(x))
        return np.concatenate([
            np.log(t / time)[mask], 0.7 * np.log(e / energy)[mask], CLOCK_WEIGHT * np.log(f / clock)[mask]])

    x0 = np.clip(np.log(start), low + 1e-3, high - 1e-3)
    return np.exp(least_squares(
        residuals, x0, bounds=(low, high), loss="soft_l1", f_scale=0.05, diff_step=0.02, max_nfev=40).x)


def errors(model, rows, values):
    t, e, _ = model(values)
    time = np.array([r["time"] for r in rows])
    energy = time * np.array([r["power"] for r in rows])
    return np.abs(t / time - 1), np.abs(e / energy - 1)


def table(title, rows, time_error, energy_error):
    print(title)
    for group in sorted({(r["dtype"], r["kind"]) for r in rows}):
        pick = np.array([(r["dtype"], r["kind"]) == group for r in rows])
        print(f"  {group[0]:5} {group[1]:9} {pick.sum():4} GEMMs   time {100 * time_error[pick].mean():5.1f} %"
              f"   energy {100 * energy_error[pick].mean():5.1f} %")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="put the fitted constants into the description")
    parser.add_argument("--skip-folds", action="store_true", help="fit everything only")
    arguments = parser.parse_args()
    rows = measurements()
    with tempfile.TemporaryDirectory() as folder:
        model = Model(rows, pathlib.Path(folder))
        start = [float(constant(s, k).search(model.text).group(2).split()[0]) for s, k, *_ in FREE]
        values = fit(model, rows, np.ones(len(rows), bool), start)
        for (section, key, unit, *_), value in zip(FREE, values):
            print(f"  {section}.{key}: {value:.4g} {unit}")
        table("fitted to everything:", rows, *errors(model, rows, values))
        if not arguments.skip_folds:
            unseen_time, unseen_energy = np.zeros(len(rows)), np.zeros(len(rows))
            families = {"square": 0, "ksweep": 0}
            folds = sorted({families.get(r["family"], r["family"]) for r in rows}, key=str)
            for fold in folds:
                held = np.array([families.get(r["family"], r["family"]) == fold for r in rows])
                time_error, energy_error = errors(model, rows, fit(model, rows, ~held, values))
                unseen_time[held], unseen_energy[held] = time_error[held], energy_error[held]
            table("each family of layers unseen by its fit:", rows, unseen_time, unseen_energy)
        if arguments.write:
            MACHINE.write_text(description(model.text, values))


if __name__ == "__main__":
    main()
