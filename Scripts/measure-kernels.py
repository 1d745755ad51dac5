#!/usr/bin/env python3
"""Measures vector operators and fused attention on a GPU, in the columns of Configs/Reference.

    python3 Scripts/measure-kernels.py vectors   > Configs/Reference/h200_vectors.csv
    python3 Scripts/measure-kernels.py attention > Configs/Reference/h200_attention_shapes.csv

Needs PyTorch with CUDA. Kernels are recorded into a graph 20 times or more, over buffers that together exceed the
level-two cache (one buffer again and again for _hot), and replayed for 20 ms; the median of seven replays, in
microseconds a kernel.
"""
import csv, statistics, sys

import torch
import torch.nn.functional as F

ROWS = [(256, 1024), (1024, 1024), (4096, 768), (4096, 1024), (2048, 4096), (512, 5120), (4096, 4096), (16384, 1024),
        (65536, 512), (8192, 8192), (512, 11008), (8192, 128), (131072, 128)]
HEADS = [(8, 16, 128, 64), (16, 16, 197, 64), (8, 16, 512, 64), (1, 32, 512, 128), (1, 32, 1024, 128),
         (1, 32, 2048, 128), (4, 32, 2048, 128), (1, 32, 4096, 128), (1, 32, 8192, 128), (2, 16, 4096, 64),
         (1, 16, 16384, 64), (8, 40, 512, 128)]
BLOCKS = [(1, 32, 4096, 128), (1, 32, 16384, 128), (1, 16, 8192, 64)]


def microseconds(calls, total=0.02, repeats=7):
    """The median time of one of the calls, replayed in order."""
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for call in calls:
            call()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        for call in calls:
            call()
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))

    def replay(times):
        begin.record()
        for _ in range(times):
            graph.replay()
        end.record()
        torch.cuda.synchronize()
        return begin.elapsed_time(end) / 1e3

    replay(1)
    times = max(1, int(total / replay(1)))
    return statistics.median(replay(times) for _ in range(repeats)) / times / len(calls) * 1e6


def tensor(*shape):
    return torch.randn(*shape, device="cuda", dtype=torch.float16)


def vectors(write):
    write(["op", "shape", "us"])
    for rows, width in ROWS:
        size = 2 * rows * width
        inputs = [tensor(rows, width) for _ in range(max(2, min(64, int(200e6 // size) + 1)))]
        outputs = [torch.empty_like(x) for x in inputs]
        scale = torch.ones(width, device="cuda", dtype=torch.float16)
        operators = {
            "add1": lambda x, y: torch.add(x, 1, out=y), "add": lambda x, y: torch.add(x, y),
            "copy": lambda x, y: y.copy_(x), "mul": lambda x, y: torch.mul(x, y), "relu": lambda x, y: torch.relu(x),
            "gelu": lambda x, y: F.gelu(x), "silu": lambda x, y: F.silu(x),
            "layernorm": lambda x, y: F.layer_norm(x, (width,), scale, scale),
            "rmsnorm": lambda x, y: F.rms_norm(x, (width,), scale), "softmax": lambda x, y: torch.softmax(x, -1),
            "sum": lambda x, y: x.sum(),
        }
        for name, op in operators.items():
            count = max(20, len(inputs))
            calls = [lambda i=i: op(inputs[i % len(inputs)], outputs[i % len(inputs)]) for i in range(count)]
            write([name, f"{rows}x{width}", round(microseconds(calls), 3)])
        if size <= 16e6:
            for name in ("add1", "gelu", "layernorm", "softmax"):
                hot = microseconds([lambda: operators[name](inputs[0], outputs[0])] * 20)
                write([f"{name}_hot", f"{rows}x{width}", round(hot, 3)])


def attention(write):
    write(["kind", "density", "block", "B", "H", "S", "D", "us"])
    for shape in HEADS:
        q, k, v = (tensor(*shape) for _ in range(3))
        for name, causal in (("sdpa", False), ("sdpa_causal", True)):
            us = microseconds([lambda: F.scaled_dot_product_attention(q, k, v, is_causal=causal)] * 5)
            write([name, 0.5 if causal else 1.0, "", *shape, round(us, 2)])
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention
    compiled = torch.compile(flex_attention)
    for shape in BLOCKS:
        q, k, v = (tensor(*shape) for _ in range(3))
        length = shape[2]
        for density in (1.0, 0.5, 0.25, 0.1):
            kept = torch.rand(length // 128, length // 128, generator=torch.Generator().manual_seed(1)) < density
            kept |= torch.eye(length // 128, dtype=torch.bool)
            kept = kept.to("cuda")
            mask = create_block_mask(
                lambda b, h, i, j: kept[i // 128, j // 128], None, None, length, length, device="cuda", BLOCK_SIZE=128)
            us = microseconds([lambda: compiled(q, k, v, block_mask=mask)] * 3)
            write(["flex_block", round(kept.float().mean().item(), 4), 128, *shape, round(us, 2)])


if __name__ == "__main__":
    torch.manual_seed(0)
    {"vectors": vectors, "attention": attention}[sys.argv[1]](csv.writer(sys.stdout, lineterminator="\n").writerow)
