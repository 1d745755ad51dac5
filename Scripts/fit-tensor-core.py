#!/usr/bin/env python3
"""Fits the free constants of a GPU's description to measured GEMMs, and reports errors on unseen layers.

    pip install numpy scipy
    swift build -c release && python3 Scripts/fit-tensor-core.py [--machine t4] [--write]

The model is the program itself: every evaluation writes a machine description with trial constants and simulates all
measured GEMMs with it. Sustained times, energies (time x power) and clocks are fitted together, in logarithms, with a
loss that outliers do not rule; powers of vector kernels tell the energy of off-chip memory from that of the cache. Each
family of layers is then predicted by a fit that has not seen it. --write puts the constants fitted to everything into
the description. Dense INT8 and 2:4 BF16 with few tokens are left out: the library runs them on older kernels, which is
not the hardware.
"""
import argparse, csv, io, pathlib, re, subprocess, tempfile
import numpy as np
from scipy.optimize import least_squares

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Constant: (section, key, unit, lower and upper bound).
CONSTANTS = {"h200": [
    ("multiprocessors", "matrix_setup", "us", 0.1, 4), ("multiprocessors", "sparse_setup", "us", 0.1, 4),
    ("multiprocessors", "issue_efficiency", "", 0.7, 1), ("shared_memory", "port_efficiency", "", 0.5, 1),
    ("shared_memory", "off_chip_bandwidth", "GB/s", 32, 130),
    ("multiprocessors", "epilogue_port", "B/clk", 4, 128), ("multiprocessors", "sparse_epilogue_port", "B/clk", 4, 128),
    ("multiprocessors", "overlap_exponent", "", 2, 20), ("dram", "energy", "pJ/B", 30, 140),
    ("dram", "write_energy", "pJ/B", 20, 140),
    ("fp16", "mac_energy", "pJ", 0.3, 4), ("bf16", "mac_energy", "pJ", 0.3, 4), ("fp8", "mac_energy", "pJ", 0.1, 3),
    ("int8", "mac_energy", "pJ", 0.1, 3), ("shared_memory", "energy", "pJ/B", 0.2, 12), ("l2", "energy", "pJ/B", 1, 80),
    ("multiprocessors", "clock_energy", "nJ", 0.01, 2), ("power", "voltage_floor", "", 0.05, 0.9),
    ("vector", "energy", "pJ", 1, 30),
], "t4": [
    ("multiprocessors", "step_overhead", "cycles", 1, 600), ("fp16", "mac_energy", "pJ", 0.3, 6),
    ("l2", "energy", "pJ/B", 1, 80), ("power", "voltage_floor", "", 0.05, 0.99),
]}

# A clock is a single noisy reading; it tells cycles from megahertz where power limits both.
CLOCK_WEIGHT = 0.8
# A power of a vector kernel, which three constants decide.
VECTOR_WEIGHT = 0.2


def constant(section, key):
    # The section's name at the start of a line (data types are indented), then the first such key after it.
    return re.compile(rf"(^ *{section}:.*\n(?:(?!^\S).*\n)*? *{key}: {{value: )([^,]*)(,)", re.M)


def description(text, values):
    for (section, key, unit, _, _), value in zip(FREE, values):
        number = f"{value:.0f}" if unit == "cycles" else f"{value:.3g}" if value < 1000 else f"{value:.0f}"
        text, count = constant(section, key).subn(rf"\g<1>{number} {unit}".rstrip() + r"\g<3>", text)
        assert count == 1, (section, key, count)
    return text


def measurements():
    rows = []
    for line, row in enumerate(csv.DictReader(open(DATA))):
        for kind in ("dense", "sparse24"):
            # Kernels that the library runs on an older path; see `library` in the description.
            if not row[f"{kind}_us"] or row["dtype"] == "int8" and kind == "dense":
                continue
            if row["dtype"] == "bf16" and kind == "sparse24" and (int(row["n"]) <= 128 or row["layer"] == "square"):
                continue
            rows.append(dict(
                line=line, family=row["layer"].split("/")[0], dtype=row["dtype"], kind=kind,
                time=float(row[f"{kind}_us"]), power=float(row[f"{kind}_w"]), clock=float(row[f"{kind}_mhz"])))
    return rows


class Model:
    """Predicts all measured GEMMs, each by itself, as `lacuna validate` does."""

    def __init__(self, rows, folder):
        self.text = MACHINE.read_text()
        self.machine = folder / "trial.yaml"
        self.rows = rows

    def predicted(self, data):
        output = subprocess.run(
            [ROOT / ".build/release/lacuna", "validate", "--data", data, "--hardware", self.machine, "--format", "csv"],
            check=True, stdout=subprocess.PIPE, text=True).stdout
        return list(csv.DictReader(io.StringIO(output)))

    def vectors(self, values):
        """Ratios of predicted to measured power of vector kernels, where they were measured."""
        if not VECTORS.exists():
            return np.ones(0)
        self.machine.write_text(description(self.text, values))
        return np.array([float(row["predicted_W"]) / float(row["W"]) for row in self.predicted(VECTORS) if row["W"]])

    def __call__(self, values):
        self.machine.write_text(description(self.text, values))
        table = self.predicted(DATA)
        pick = lambda column: np.array([float(table[r["line"]][f"predicted_{r['kind']}_{column}"]) for r in self.rows])
        return pick("us"), pick("us") * pick("w"), pick("mhz")


def fit(model, rows, mask, start):
    low, high = (np.log([f[i] for f in FREE]) for i in (3, 4))
    time = np.array([r["time"] for r in rows])
    energy = time * np.array([r["power"] for r in rows])

    clock = np.array([r["clock"] for r in rows])

    def residuals(x):
        t, e, f = model(np.exp(x))
        return np.concatenate([
            np.log(t / time)[mask], 0.7 * np.log(e / energy)[mask], CLOCK_WEIGHT * np.log(f / clock)[mask],
            VECTOR_WEIGHT * np.log(model.vectors(np.exp(x)))])

    x0 = np.clip(np.log(start), low + 1e-3, high - 1e-3)
    return np.exp(least_squares(
        residuals, x0, bounds=(low, high), loss="soft_l1", f_scale=0.05, diff_step=0.02, max_nfev=40).x)


def errors(model, rows, values):
    """Ratios of predicted to measured time, energy and clock."""
    t, e, f = model(values)
    time, power, clock = (np.array([r[key] for r in rows]) for key in ("time", "power", "clock"))
    return np.stack([t / time, e / (time * power), f / clock])


def table(title, rows, ratios):
    print(title)
    dense = {(r["line"]): ratios[0][i] for i, r in enumerate(rows) if r["kind"] == "dense"}
    for group in sorted({(r["dtype"], r["kind"]) for r in rows}):
        picked = [i for i, r in enumerate(rows) if (r["dtype"], r["kind"]) == group]
        time, energy, clock = (100 * np.abs(ratios[k][picked] - 1).mean() for k in range(3))
        text = f"  {group[0]:5} {group[1]:9} {len(picked):4} GEMMs   time {time:5.1f} %   energy {energy:5.1f} %   clock {clock:5.1f} %"
        both = [i for i in picked if group[1] != "dense" and rows[i]["line"] in dense]
        if both:
            speedup = 100 * np.mean([abs(dense[rows[i]["line"]] / ratios[0][i] - 1) for i in both])
            text += f"   speedup {speedup:5.1f} %"
        print(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="put the fitted constants into the description")
    parser.add_argument("--skip-folds", action="store_true", help="fit everything only")
    parser.add_argument("--machine", choices=CONSTANTS, default="h200", help="the GPU")
    arguments = parser.parse_args()
    global FREE, MACHINE, DATA, VECTORS
    FREE = CONSTANTS[arguments.machine]
    MACHINE = ROOT / f"Configs/Hardware/{arguments.machine}.yaml"
    DATA = ROOT / f"Configs/Reference/{arguments.machine}_gemm.csv"
    VECTORS = ROOT / f"Configs/Reference/{arguments.machine}_vectors.csv"
    rows = measurements()
    with tempfile.TemporaryDirectory() as folder:
        model = Model(rows, pathlib.Path(folder))
        start = [float(constant(s, k).search(model.text).group(2).split()[0]) for s, k, *_ in FREE]
        values = fit(model, rows, np.ones(len(rows), bool), start)
        for (section, key, unit, *_), value in zip(FREE, values):
            print(f"  {section}.{key}: {value:.4g} {unit}")
        table("fitted to everything:", rows, errors(model, rows, values))
        if not arguments.skip_folds:
            unseen = np.ones((3, len(rows)))
            families = {"square": 0, "ksweep": 0}
            folds = sorted({families.get(r["family"], r["family"]) for r in rows}, key=str)
            for fold in folds:
                held = np.array([families.get(r["family"], r["family"]) == fold for r in rows])
                unseen[:, held] = errors(model, rows, fit(model, rows, ~held, values))[:, held]
            table("each family of layers unseen by its fit:", rows, unseen)
        if arguments.write:
            MACHINE.write_text(description(model.text, values))


if __name__ == "__main__":
    main()
