"""A search of one's own, by asking and telling: python3 Python/examples/climb.py [STUDY] [EVALUATIONS]

Steps from the best point so far in random directions, narrower when none of a step's neighbours is better. It knows
nothing of the study but how many free parameters it has, and makes the first objective small.
"""

import random
import sys
from pathlib import Path
from typing import List

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Python"))

from lacuna import Study  # noqa: E402


def main(path: str, evaluations: str = "200") -> None:
    study = Study(path)
    count = len(study.header()["free"])
    chance = random.Random(1)
    best: List[float] = [0.5] * count
    cost, width, left = float("inf"), 0.5, int(evaluations)
    while left > 0:
        asked = [[min(max(x + chance.uniform(-width, width), 0.0), 1.0) for x in best] for _ in range(min(20, left))]
        left -= len(asked)
        previous = cost
        for point, answer in zip(asked, study.evaluate(asked)):
            if answer["verdict"] == "feasible" and answer["objectives"][0] < cost:
                best, cost, values = point, answer["objectives"][0], answer["values"]
                print(f"{cost:.6g}  {values}")
        if cost == previous:
            width /= 2


if __name__ == "__main__":
    main(*(sys.argv[1:] or [str(ROOT / "Configs/Studies/h200-memory.yaml")]))
