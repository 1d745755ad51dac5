"""Runs a study's shards on a Dask cluster: python -m lacuna.dask STUDY -o STORE [--scheduler ADDRESS].

Without an address it starts a cluster of processes on this machine. Workers need the program and the study's files
under the same paths. A worker that dies costs the shards it was at; others run them again. The store is that of a
single run.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from typing import Any, Optional

from .explore import Results, Study
from .program import LacunaError, Program

RETRIES = 5


def run_shard(executable: str, study: str, index: int, count: int) -> str:
    """What a worker does."""
    return Study(study, Program(executable)).run_shard(index, count)


def run_on(client: Any, study: Study, store: str, shards: Optional[int] = None) -> Results:
    """Runs a study on the cluster of a `distributed.Client` and merges the results into a store."""
    from distributed import as_completed

    # A few shards a thread, so that none waits long for the slowest.
    count = shards or 8 * max(1, sum(client.nthreads().values()))
    futures = {
        client.submit(run_shard, study.program.executable, study.path, index, count, retries=RETRIES, pure=False): index
        for index in range(1, count + 1)
    }
    with tempfile.TemporaryDirectory() as folder:
        parts = []
        # Results leave the workers as they come, so that a worker that dies later takes none of them along.
        for future in as_completed(list(futures)):
            part = os.path.join(folder, f"part{futures[future]:06}.jsonl")
            with open(part, "w", encoding="utf-8") as file:
                file.write(future.result())
            future.release()
            parts.append(part)
        return study.merge(sorted(parts), store)


def main() -> int:
    parser = argparse.ArgumentParser(prog="lacuna.dask", description=__doc__.splitlines()[0])
    parser.add_argument("study", help="the study, a YAML file")
    parser.add_argument("-o", "--output", required=True, help="the store of results to make")
    parser.add_argument("--scheduler", help="address of a Dask scheduler, such as tcp://host:8786")
    parser.add_argument("--workers", type=int, help="processes of a cluster on this machine")
    parser.add_argument("--shards", type=int, help="parts to divide the points into")
    arguments = parser.parse_args()

    from distributed import Client, LocalCluster

    study = Study(arguments.study)
    try:
        study.dry_run()  # mistakes are told before anything starts
        if arguments.scheduler:
            with Client(arguments.scheduler) as client:
                run_on(client, study, arguments.output, arguments.shards)
        else:
            with LocalCluster(
                n_workers=arguments.workers, threads_per_worker=1, dashboard_address=None
            ) as cluster, Client(cluster) as client:
                run_on(client, study, arguments.output, arguments.shards)
    except LacunaError as error:
        print(error, file=sys.stderr)
        return error.status
    return 0


if __name__ == "__main__":
    sys.exit(main())
