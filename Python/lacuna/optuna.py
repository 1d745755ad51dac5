"""Lets Optuna choose a study's points: python -m lacuna.optuna STUDY --trials 500 [--storage journal.log] [--seed 1].

The study's own sampler is not asked. Optuna's trials hold a place in the list of values, or a number from 0 to 1 on the
way from the first value to the last, for each free parameter; conditions and derived parameters are the program's.
Infeasible points are trials that failed.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, Dict, List, Optional

from .explore import Study
from .program import LacunaError


def create_study(study: Study, seed: int = 1, **options: Any) -> Any:
    """An Optuna study with the directions of a study's objectives; `options` go to optuna.create_study."""
    import optuna

    if "sampler" not in options:
        multiple = len(study.header()["objectives"]) > 1
        options["sampler"] = (optuna.samplers.NSGAIISampler if multiple else optuna.samplers.TPESampler)(seed=seed)
    return optuna.create_study(
        directions=[objective["direction"] for objective in study.header()["objectives"]], **options)


def optimize(study: Study, search: Any, trials: int, batch: int = 50) -> List[Dict[str, Any]]:
    """Asks an Optuna study for points and tells it their objectives, `batch` at a time.

    Returns the points as the program answered them, each with its `trial`.
    """
    import optuna

    free = study.header()["free"]
    answers: List[Dict[str, Any]] = []
    while trials > 0:
        asked = [search.ask() for _ in range(min(batch, trials))]
        trials -= len(asked)
        points = [[_coordinate(trial, parameter) for parameter in free] for trial in asked]
        for trial, answer in zip(asked, study.evaluate(points)):
            objectives = answer["objectives"]
            if answer["verdict"] == "feasible" and all(value is not None for value in objectives):
                search.tell(trial, objectives)
            else:
                trial.set_user_attr("verdict", answer["verdict"])
                search.tell(trial, state=optuna.trial.TrialState.FAIL)
            answers.append({**answer, "trial": trial.number})
    return answers


def _coordinate(trial: Any, parameter: Dict[str, Any]) -> float:
    count: Optional[int] = parameter["count"]
    if count is None:
        return trial.suggest_float(parameter["name"], 0, 1)
    return (trial.suggest_int(parameter["name"], 0, count - 1) + 0.5) / count


def main() -> int:
    parser = argparse.ArgumentParser(prog="lacuna.optuna", description=__doc__.splitlines()[0])
    parser.add_argument("study", help="the study, a YAML file")
    parser.add_argument("--trials", type=int, required=True, help="points to evaluate")
    parser.add_argument("--batch", type=int, default=50, help="points asked for at once (default 50)")
    parser.add_argument("--seed", type=int, default=1, help="where random numbers start (default 1)")
    parser.add_argument("--storage", help="a journal file that keeps the trials; several processes may share it")
    arguments = parser.parse_args()
    try:
        import optuna
    except ImportError:
        print("optuna is not installed: pip install optuna", file=sys.stderr)
        return 1
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = Study(arguments.study)
    options: Dict[str, Any] = {}
    if arguments.storage:
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        options = {
            "storage": JournalStorage(JournalFileBackend(arguments.storage)), "study_name": "lacuna",
            "load_if_exists": True,
        }
    try:
        search = create_study(study, arguments.seed, **options)
        answers = {answer["trial"]: answer for answer in optimize(study, search, arguments.trials, arguments.batch)}
    except LacunaError as error:
        print(error, file=sys.stderr)
        return error.status
    for trial in search.best_trials:
        if trial.number in answers:
            print(json.dumps(answers[trial.number]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
