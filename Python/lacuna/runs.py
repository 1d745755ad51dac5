"""One run, or one trace on several machines."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional, Sequence

from .program import PathLike, Program


def simulate(
    trace: PathLike,
    hardware: PathLike,
    *,
    sparsity: Sequence[str] = (),
    training: Optional[str] = None,
    data_type: Optional[str] = None,
    options: Sequence[str] = (),
    program: Optional[Program] = None,
) -> Dict[str, Any]:
    """What `lacuna simulate … --format json` writes (Configs/Schemas/result.schema.json).

    `sparsity` are rules such as "weights=2:4"; `options` are further words of the command line, such as "--fuse".
    Raises LacunaError with what is wrong with the input.
    """
    return _run("simulate", trace, ["--hardware", hardware], sparsity, training, data_type, options, program)


def compare(
    trace: PathLike,
    hardware: Sequence[str],
    *,
    sparsity: Sequence[str] = (),
    training: Optional[str] = None,
    data_type: Optional[str] = None,
    options: Sequence[str] = (),
    program: Optional[Program] = None,
) -> Dict[str, Any]:
    """What `lacuna compare … --format json` writes: the same for several machines, with a sweep if `options` name one."""
    return _run(
        "compare", trace, ["--hardware", ",".join(hardware)], sparsity, training, data_type, options, program)


def _run(
    command: str, trace: PathLike, hardware: List[PathLike], sparsity: Sequence[str], training: Optional[str],
    data_type: Optional[str], options: Sequence[str], program: Optional[Program],
) -> Dict[str, Any]:
    if isinstance(sparsity, str):
        sparsity = [sparsity]
    words: List[PathLike] = [command, trace, *hardware]
    for rule in sparsity:
        words += ["--sparsity", rule]
    if training:
        words += ["--training", training]
    if data_type:
        words += ["--data-type", data_type]
    answer: Dict[str, Any] = json.loads((program or Program()).run([*words, *options, "--format", "json"]))
    return answer
