#!/usr/bin/env python3
"""Writes traces of transformers as PyTorch runs them eagerly, one kernel an operator, without fused attention.

    Scripts/write-eager-traces.py Traces

The operators are those of BERT and GPT-2 in Hugging Face Transformers 4.2x; only the GPT-3 layer has dropout on, of its
scores, as it is built for training. Traces that end in `-panels` lay
the input of every product with weights out in rows first, as kernels for V:N:M weights (Spatha) need it; without
that they are the runs that such a kernel is compared with. `zstd` must be installed.
"""
import json
import pathlib
import subprocess
import sys


class Layer:
    def __init__(self, batch, tokens, hidden, heads, panels, repeat):
        self.batch, self.tokens, self.hidden, self.heads, self.panels = batch, tokens, hidden, heads, panels
        self.rows, self.repeat, self.lines = batch * tokens, repeat, []

    def add(self, name, kind, after=None, **sizes):
        """An operator after others, by index, or after the one before it; returns its index."""
        line = {"name": name, "kind": kind, "dtype": "fp16", **sizes}
        after = [len(self.lines) - 1] if after is None and self.lines else after
        if after:
            line["deps"] = sorted(set(after))
        if self.repeat > 1:
            line["repeat"] = self.repeat
        self.lines.append(line)
        return len(self.lines) - 1

    def linear(self, name, outputs, inputs, after=None):
        if self.panels:
            after = [self.map(f"{name}.layout", "transpose", inputs, after=after)]
        return self.add(f"linear.{name}", "gemm", after, m=outputs, n=self.rows, k=inputs)

    def map(self, name, function, width, inputs=1, after=None):
        sizes = {"function": function, "elements": self.rows * width}
        return self.add(name, "elementwise", after, **sizes, **({"inputs": inputs} if inputs > 1 else {}))

    def norm(self, name):
        self.add(name, "normalization", function="layer", rows=self.rows, width=self.hidden)

    def attention(self, query, key, value, drops=False):
        """Scores, scaled, masked, normalized, times values; products copy operands whose heads are not contiguous."""
        many, size, width = self.batch * self.heads, self.tokens, self.hidden // self.heads
        copies = [self.map(f"{name}.copy", "copy", self.hidden, after=[op]) for name, op in (("query", query), ("key", key))]
        self.add("scores", "gemm", copies, m=size, n=size, k=width, batch=many, weights=False)
        elements = many * size * size
        self.add("scores.scale", "elementwise", function="multiply", elements=elements)
        self.add("scores.mask", "elementwise", function="add", elements=elements)
        weights = self.add("softmax", "softmax", rows=many * size, width=size)
        if drops:
            weights = self.add("scores.dropout", "elementwise", function="multiply", elements=elements)
        values = self.map("value.copy", "copy", self.hidden, after=[value])
        self.add("context", "gemm", [weights, values], m=width, n=size, k=size, batch=many, weights=False)
        self.map("context.copy", "copy", self.hidden)


def bert(layer):
    h = layer.hidden
    layer.attention(*[layer.linear(name, h, h, after=[]) for name in ("query", "key", "value")])
    layer.linear("output", h, h)
    layer.map("add.0", "add", h, 2)
    layer.norm("norm.0")
    layer.linear("fc1", 4 * h, h)
    layer.map("gelu", "gelu", 4 * h)
    layer.linear("fc2", h, 4 * h)
    layer.map("add.1", "add", h, 2)
    layer.norm("norm.1")


def gpt(layer, gelu, drops=False):
    h = layer.hidden
    layer.norm("norm.0")
    layer.attention(*[layer.linear("c_attn", 3 * h, h)] * 3, drops)
    layer.linear("c_proj", h, h)
    layer.map("add.0", "add", h, 2)
    layer.norm("norm.1")
    layer.linear("c_fc", 4 * h, h)
    # The tanh form of GELU is not one kernel: x³, times 0.044715, plus x, times √(2/π), tanh, plus 1, halved x, product.
    for index, (function, inputs) in enumerate(gelu):
        layer.map(f"gelu.{index}", function, 4 * h, inputs)
    layer.linear("c_proj_2", h, 4 * h)
    layer.map("add.1", "add", h, 2)


TANH_GELU = [
    *[("multiply", 1), ("multiply", 1), ("add", 2), ("multiply", 1)],
    *[("tanh", 1), ("add", 1), ("multiply", 1), ("multiply", 2)],
]
NETWORKS = {
    "bert-large-eager": ("BERT-large encoder", bert, 32, 512, 1024, 16, 24),
    "gpt2-large-eager": ("GPT-2-large", lambda layer: gpt(layer, TANH_GELU), 8, 512, 1280, 20, 36),
    "gpt3-layer-eager": ("one layer of GPT-3", lambda layer: gpt(layer, [("gelu", 1)], drops=True), 1, 4096, 12288, 96, 1),
}


def main():
    folder = pathlib.Path(sys.argv[1])
    for name, (title, network, batch, tokens, hidden, heads, layers) in NETWORKS.items():
        for panels in (False, True):
            layer = Layer(batch, tokens, hidden, heads, panels, layers)
            network(layer)
            full = name + ("-panels" if panels else "")
            source = f"written by Scripts/write-eager-traces.py: {title}, {batch} x {tokens} tokens, eager kernels"
            header = {"lacuna_trace": 1, "name": full, "source": source, "samples": batch}
            lines = [json.dumps(line, separators=(",", ":")) for line in [header, *layer.lines]]
            target = folder / f"{full}.jsonl.zst"
            text = "\n".join(lines) + "\n"
            subprocess.run(["zstd", "-q", "-19", "-f", "-o", target], input=text.encode(), check=True)


if __name__ == "__main__":
    main()
