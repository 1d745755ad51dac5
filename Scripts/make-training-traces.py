#!/usr/bin/env python3
"""Writes the training steps in Traces that follow published architectures instead of a recording.

    swift build -c release && python3 Scripts/make-training-traces.py

Each network is put together here as a forward pass, layer by layer, and expanded into a training step by
`lacuna trace import --optimizer`, as any forward trace can be. Needs nothing but Python and the program.
"""
import json, pathlib, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BATCH = 512


class Network:
    """A forward pass; every method adds an operator after `self.last` and makes it the last."""

    def __init__(self, name, source, channels, size, batch=BATCH):
        self.name, self.source, self.batch = name, source, batch
        self.operators, self.last, self.channels, self.size = [], None, channels, size

    def add(self, name, kind, after=None, **keys):
        deps = [self.last] if after is None else after
        deps = sorted({d for d in deps if d is not None})
        self.operators.append(dict(name=name, kind=kind, phase="forward", dtype="fp16", **keys, deps=deps))
        self.last = len(self.operators) - 1
        return self.last

    @property
    def elements(self):
        return self.batch * self.channels * self.size ** 2

    def conv(self, name, channels, kernel=3, stride=1, padding=None, relu=True):
        """A convolution, its batch normalization and, unless told otherwise, a ReLU."""
        padding = kernel // 2 if padding is None else padding
        self.add(name, "convolution", batch=self.batch, in_channels=self.channels, out_channels=channels,
                 height=self.size, width=self.size, kernel=kernel, stride=stride, padding=padding)
        self.channels, self.size = channels, (self.size + 2 * padding - kernel) // stride + 1
        self.add(f"{name}.norm", "normalization", function="batch", rows=channels,
                 width=self.batch * self.size ** 2)
        if relu:
            self.add(f"{name}.relu", "elementwise", function="relu", elements=self.elements)

    def pool(self, name, kernel, stride, padding=0):
        out = (self.size + 2 * padding - kernel) // stride + 1
        self.add(name, "pooling", batch=self.batch, channels=self.channels, height=self.size, width=self.size,
                 out_height=out, out_width=out, kernel=kernel)
        self.size = out

    def join(self, name, skip, relu):
        """The sum with an earlier result."""
        self.add(name, "elementwise", after=[self.last, skip], function="add", elements=self.elements, inputs=2)
        if relu:
            self.add(f"{name}.relu", "elementwise", function="relu", elements=self.elements)

    def classify(self, classes, features=None):
        self.add("classifier", "gemm", m=classes, n=self.batch, k=features or self.channels)
        self.add("loss", "softmax", rows=self.batch, width=classes)

    def write(self, optimizer):
        header = dict(lacuna_trace=1, name=self.name, source=self.source, samples=self.batch)
        text = "\n".join(json.dumps(line) for line in [header] + self.operators) + "\n"
        subprocess.run(
            [ROOT / ".build/release/lacuna", "trace", "import", "-", "--optimizer", optimizer,
             "-o", ROOT / f"Traces/{self.name}.jsonl.zst"], input=text, text=True, check=True)


def resnet9():
    """DAWNBench's ResNet-9: four convolutions, two residual blocks of equal width."""
    net = Network("resnet9-train", "written after the DAWNBench ResNet-9 on CIFAR-10: 512 images of 32x32", 3, 32)

    def residual(name):
        skip = net.last
        net.conv(f"{name}.conv1", net.channels)
        net.conv(f"{name}.conv2", net.channels)
        net.join(f"{name}.add", skip, relu=False)

    net.conv("prep", 64)
    net.conv("layer1", 128)
    net.pool("layer1.pool", 2, 2)
    residual("residual1")
    net.conv("layer2", 256)
    net.pool("layer2.pool", 2, 2)
    net.conv("layer3", 512)
    net.pool("layer3.pool", 2, 2)
    residual("residual3")
    net.pool("pool", 4, 4)
    net.classify(10)
    return net


def vgg19():
    """VGG-19 with batch normalization and one fully connected layer, as it is used on 32x32 images."""
    net = Network("vgg19-train", "written after VGG-19 with batch normalization on CIFAR-100: 512 images of 32x32", 3, 32)
    for block, (width, count) in enumerate([(64, 2), (128, 2), (256, 4), (512, 4), (512, 4)], 1):
        for layer in range(1, count + 1):
            net.conv(f"conv{block}_{layer}", width)
        net.pool(f"pool{block}", 2, 2)
    net.classify(100)
    return net


def resnet(name, source, size, classes, blocks, bottleneck):
    """ResNet of He et al. as torchvision builds it: the stride of a bottleneck is on its 3x3 convolution."""
    net = Network(name, source, 3, size)
    net.conv("conv1", 64, kernel=7, stride=2)
    net.pool("maxpool", 3, 2, 1)
    for stage, count in enumerate(blocks, 1):
        for block in range(count):
            prefix, width = f"layer{stage}.{block}", 64 << stage - 1
            stride = 2 if stage > 1 and block == 0 else 1
            skip, channels, extent = net.last, net.channels, net.size
            if bottleneck:
                net.conv(f"{prefix}.conv1", width, kernel=1)
                net.conv(f"{prefix}.conv2", width, stride=stride)
                net.conv(f"{prefix}.conv3", 4 * width, kernel=1, relu=False)
            else:
                net.conv(f"{prefix}.conv1", width, stride=stride)
                net.conv(f"{prefix}.conv2", width, relu=False)
            if stride > 1 or channels != net.channels:
                main, out = net.last, net.channels
                net.last, net.channels, net.size = skip, channels, extent
                net.conv(f"{prefix}.downsample", out, kernel=1, stride=stride, relu=False)
                skip, net.last = net.last, main
            net.join(f"{prefix}.add", skip, relu=True)
    net.add("avgpool", "reduction", outputs=net.batch * net.channels, width=net.size ** 2)
    net.classify(classes)
    return net


def vit():
    """DeiT-S (width 384, 12 layers, 6 heads) over 4x4 patches of a 32x32 image and a class token."""
    net = Network("vit-train", "written after DeiT-S with 4x4 patches on CIFAR-100: 512 images of 32x32", 3, 32)
    width, inner, heads, tokens = 384, 1536, 6, 65
    rows = net.batch * tokens

    def linear(name, outputs, inputs, after=None):
        return net.add(name, "gemm", after=after, m=outputs, n=rows, k=inputs)

    def norm(name):
        return net.add(name, "normalization", function="layer", rows=rows, width=width)

    def join(name, skip):
        return net.add(name, "elementwise", after=[net.last, skip], function="add", elements=rows * width, inputs=2)

    net.add("patches", "convolution", batch=net.batch, in_channels=3, out_channels=width, height=32, width=32,
            kernel=4, stride=4)
    stream = net.add("positions", "elementwise", function="add", elements=rows * width)
    for layer in range(12):
        prefix = f"layer.{layer}"
        normed = norm(f"{prefix}.norm1")
        parts = [linear(f"{prefix}.{part}", width, width, after=[normed]) for part in ("query", "key", "value")]
        net.add(f"{prefix}.attention", "attention", after=parts, batch=net.batch, heads=heads, query_length=tokens,
                head_dim=width // heads)
        linear(f"{prefix}.projection", width, width)
        stream = join(f"{prefix}.add1", stream)
        norm(f"{prefix}.norm2")
        linear(f"{prefix}.fc1", inner, width)
        net.add(f"{prefix}.gelu", "elementwise", function="gelu", elements=rows * inner)
        linear(f"{prefix}.fc2", width, inner)
        stream = join(f"{prefix}.add2", stream)
    norm("norm")
    net.classify(100, features=width)
    return net


if __name__ == "__main__":
    networks = [
        (resnet9(), "momentum"),
        (vgg19(), "momentum"),
        (vit(), "adam"),
        (resnet("resnet18-tiny-train", "written after ResNet-18 on Tiny-ImageNet: 512 images of 64x64, 200 classes",
                64, 200, [2, 2, 2, 2], bottleneck=False), "momentum"),
        (resnet("resnet50-train", "written after ResNet-50 on ImageNet: 512 images of 224x224, 1000 classes",
                224, 1000, [3, 4, 6, 3], bottleneck=True), "momentum"),
    ]
    for network, optimizer in networks:
        if not sys.argv[1:] or network.name in sys.argv[1:]:
            network.write(optimizer)
