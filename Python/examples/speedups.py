"""What pruning brings, machine by machine: python3 Python/examples/speedups.py [TRACE]"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Python"))

from lacuna import LacunaError, simulate  # noqa: E402


def main(trace: str) -> None:
    print(f"{'machine':<10}{'weights':<10}{'ms':>9}{'speedup':>9}{'J':>9}{'energy':>8}")
    for hardware, pattern in [("h200", "2:4"), ("a100", "2:4"), ("t4", "2:4"), ("s4", "4x"), ("s4", "16x")]:
        try:
            run = simulate(trace, hardware, sparsity=[f"weights={pattern}"], data_type="int8")
        except LacunaError as error:
            print(f"{hardware:<10}{pattern:<10} {str(error).splitlines()[0]}")
            continue
        totals = run["totals"]
        print(
            f"{hardware:<10}{pattern:<10}{1e3 * totals['elapsed_s']:>9.3f}{run['speedup']:>8.2f}x"
            f"{totals['energy']['total_j']:>9.3f}{run['energy_gain']:>7.2f}x")


if __name__ == "__main__":
    main(*(sys.argv[1:] or [str(ROOT / "Traces/resnet50.jsonl.zst")]))
