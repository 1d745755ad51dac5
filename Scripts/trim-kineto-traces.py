#!/usr/bin/env python3
"""Writes traces of torch.profiler with only the events and fields that Lacuna reads.

    Scripts/trim-kineto-traces.py TRACE.json OUT.json
"""

import json
import sys

CALLS = {"cpu_op", "user_annotation"}
DEVICE = {"kernel", "gpu_memcpy", "gpu_memset"}
LAUNCHES = {"cuda_runtime", "cuda_driver"}
ARGUMENTS = ["External id", "correlation", "stream", "Input Dims", "Input type", "Concrete Inputs"]


def main() -> None:
    source, target = sys.argv[1:]
    with open(source) as file:
        trace = json.load(file)
    events = []
    for event in trace["traceEvents"]:
        if event.get("ph") != "X" or event.get("cat") not in CALLS | DEVICE | LAUNCHES:
            continue
        kept = {key: event[key] for key in ("ph", "cat", "name", "pid", "tid", "ts", "dur")}
        kept["args"] = {key: event["args"][key] for key in ARGUMENTS if key in event["args"]}
        events.append(kept)
    kept = {key: trace[key] for key in ("schemaVersion", "record_shapes", "displayTimeUnit")}
    with open(target, "w") as file:
        # One event a line, so that diagnostics point somewhere.
        lines = ",\n".join(json.dumps(event) for event in events)
        file.write(json.dumps(kept)[:-1] + ', "traceEvents": [\n' + lines + "\n]}\n")


main()
