"""A study from start to front: python3 Python/examples/front.py [STUDY]

Prints the designs that no other beats, and what decides about them; with pandas, as a data frame.
"""

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Python"))

from lacuna import Study  # noqa: E402


def main(path: str) -> None:
    study = Study(path)
    print(study.dry_run())
    with tempfile.TemporaryDirectory() as folder:
        results = study.run(Path(folder) / "results.sqlite")
        front = results.pareto()
        try:
            import pandas
        except ImportError:
            for point in front:
                print(point)
        else:
            print(pandas.DataFrame(front).to_string(index=False))
        print(f"{len(front)} of {sum(1 for _ in results)} points are on the front")


if __name__ == "__main__":
    main(*(sys.argv[1:] or [str(ROOT / "Configs/Studies/s4-memory.yaml")]))
