#!/usr/bin/env python3
"""Measures kernels on a GPU, in the columns of Configs/Reference.

    python3 Scripts/measure-kernels.py vectors   > Configs/Reference/h200_vectors.csv
    python3 Scripts/measure-kernels.py attention > Configs/Reference/h200_attention_shapes.csv
    ncu --nvtx --profile-from-start off --clock-control none --csv --page raw --metrics \\
        gpu__time_duration.sum,sm__cycles_elapsed.max,lts__t_sectors_srcunit_tex_op_read.sum,dram__bytes_read.sum \\
        python3 Scripts/measure-kernels.py products | python3 Scripts/measure-kernels.py counters > Configs/Reference/h200_kernels.csv
    python3 Scripts/measure-kernels.py stacks    > Configs/Reference/h200_stacks.csv
    python3 Scripts/measure-kernels.py repeats   > Configs/Reference/Repeats/products.csv
    python3 Scripts/measure-kernels.py sets      > Configs/Reference/Repeats/sets.csv
    python3 Scripts/measure-kernels.py clocks    > Configs/Reference/Repeats/clocks.csv
    python3 Scripts/measure-kernels.py zeros     > Configs/Reference/Repeats/zeros.csv
    python3 Scripts/measure-kernels.py schedules > Configs/Reference/Repeats/schedules.csv

Needs PyTorch with CUDA, and Nsight Compute for counters. Products run once, dense and with every 2:4 kernel of the library
that takes them. Other kernels are recorded into a graph 20 times or more, over buffers that together exceed the
level-two cache (one buffer again and again for _hot), and replayed for 20 ms; the median of seven replays, in
microseconds a kernel. W is the average power of replays that go on for 0.35 s, from the card's energy counter.

Stacks are whole layers of a transformer in a graph, one kernel an operator, each layer with weights of its own, dense and with 2:4
weights; milliseconds a step and watts under the load below, but for 3 s. Each 2:4 product runs with the algorithm of the library that is
fastest for it, and its result is read as if it lay as a dense one.

Repeats and sets are dense products under the load of h200_gemm.csv: 0.08 s, then 0.36 s that are timed, with the clock
read at their end (mhz) and every 4 ms (mhz_mean). Repeats come four times in random order, sets with as many sets of
operands and results in turn. Clocks are vector kernels whose operands are in the level-two cache, as far as they fit, in turn
with a dense product (load×load×load, 0 for none) whose power lowers the clock: medians of the profiler's durations in the second half
of 0.5 s, and the clock's mean over it. Zeros are dense products, 1.2 s each, with a part of either operand's values zero,
anywhere; INT8 values are normal with a deviation of 32.

Schedules say which kernels the library has for 2:4 weights: whether the tiles left over by full turns share their reductions
("segment_k_on" in names), and how many counters are cleared first (memsets in a profile).
"""
import csv, ctypes, random, re, statistics, subprocess, sys, threading, time

import torch
import torch.nn.functional as F

ROWS = [(256, 1024), (1024, 1024), (4096, 768), (4096, 1024), (2048, 4096), (512, 5120), (4096, 4096), (16384, 1024),
        (65536, 512), (8192, 8192), (512, 11008), (8192, 128), (131072, 128)]
HEADS = [(8, 16, 128, 64), (16, 16, 197, 64), (8, 16, 512, 64), (1, 32, 512, 128), (1, 32, 1024, 128),
         (1, 32, 2048, 128), (4, 32, 2048, 128), (1, 32, 4096, 128), (1, 32, 8192, 128), (2, 16, 4096, 64),
         (1, 16, 16384, 64), (8, 40, 512, 128)]
PRODUCTS = ([(m, n, k) for n in (788, 1024, 1576, 3152, 6304, 12608)
             for m, k in ((3072, 1024), (1024, 1024), (4096, 1024), (1024, 4096))]
            + [(m, n, k) for n in (300, 512, 1000, 2048)
               for m, k in ((12288, 4096), (4096, 4096), (22016, 4096), (4096, 11008))]
            + [(15360, 4096, 5120), (5120, 4096, 20480), (2048, 2048, 2048), (4096, 4096, 4096), (8192, 8192, 8192)])
REPEATS = [tuple(map(int, shape.split("x"))) for shape in """
    1024x1024x1024 2048x2048x2048 4096x4096x4096 8192x8192x8192 10240x10240x512 10240x10240x2048 12288x16x4096
    12288x128x4096 12288x512x4096 12288x1024x4096 12288x4096x4096 4096x16x4096 4096x128x4096 4096x256x4096 4096x512x4096
    4096x1024x4096 22016x16x4096 22016x128x4096 22016x1024x4096 22016x2048x4096 4096x64x11008 4096x512x11008
    4096x4096x11008 57344x128x8192 8192x128x28672 10240x128x8192 3072x512x1024 1024x512x1024 1024x4096x4096
    1024x16384x4096 3072x12608x768 2304x1584x768 4096x2048x4096""".split()]
SETS = [(512, 512, 512), (1024, 512, 1024), (1024, 1024, 1024), (3072, 512, 1024), (4096, 512, 1024),
        (1024, 512, 4096), (2304, 1584, 768), (4096, 16, 4096)]
STACKS = [("bert-large", "encoder", 24, 8, 128, 1024, 4096, 16), ("bert-large", "encoder", 24, 32, 384, 1024, 4096, 16),
          ("bert-base", "encoder", 12, 16, 128, 768, 3072, 12), ("vit-b16", "encoder", 12, 64, 197, 768, 3072, 12),
          ("vit-l16", "encoder", 24, 16, 197, 1024, 4096, 16), ("opt-1.3b", "encoder", 8, 4, 512, 2048, 8192, 32),
          ("opt-13b", "encoder", 2, 8, 512, 5120, 20480, 40), ("llama2-7b", "decoder", 4, 1, 512, 4096, 11008, 32),
          ("llama2-7b", "decoder", 2, 1, 2048, 4096, 11008, 32), ("llama2-13b", "decoder", 2, 1, 1024, 5120, 13824, 40)]
RESULTS = {"fp8": torch.bfloat16, "int8": torch.bfloat16}
BLOCKS = [(1, 32, 4096, 128), (1, 32, 16384, 128), (1, 16, 8192, 64)]


nvml = ctypes.CDLL("libnvidia-ml.so.1")
nvml.nvmlInit_v2()
card = ctypes.c_void_p()
nvml.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(card))


def joules():
    millijoules = ctypes.c_ulonglong()
    assert nvml.nvmlDeviceGetTotalEnergyConsumption(card, ctypes.byref(millijoules)) == 0
    return millijoules.value / 1e3


def megahertz():
    clock = ctypes.c_uint()
    assert nvml.nvmlDeviceGetClockInfo(card, 1, ctypes.byref(clock)) == 0
    return clock.value


def recorded(calls):
    """A graph of the calls, and a function that replays it some times and says how many seconds that took."""
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

    return replay


def measure(calls, total=0.02, repeats=7, load=0.35):
    """The median time of one of the calls, replayed in order, in microseconds, and the average power in watts."""
    replay = recorded(calls)
    replay(1)
    times = max(1, int(total / replay(1)))
    microseconds = statistics.median(replay(times) for _ in range(repeats)) / times / len(calls) * 1e6
    # A thread watches the counter, which is slow to read, so that the queue stays full.
    ticks, done = [(time.perf_counter(), joules())], threading.Event()

    def watch():
        while not done.is_set():
            now = joules()
            if now != ticks[-1][1]:
                ticks.append((time.perf_counter(), now))

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    while time.perf_counter() < start + load:
        replay(times)
    done.set()
    watcher.join()
    (begun, low), (ended, high) = next((tick for tick in ticks if tick[0] > start + 0.2 * load), ticks[-1]), ticks[-1]
    return round(microseconds, 3), round((high - low) / (ended - begun)) if ended > begun else ""


def tensor(*shape):
    return torch.randn(*shape, device="cuda", dtype=torch.float16)


def halved(matrix, kind="fp16"):
    """The two largest of every four along a row, compressed."""
    groups = matrix.view(len(matrix), -1, 4)
    largest = groups.abs().topk(2, dim=-1).indices
    return torch._cslt_compress(typed((groups * torch.zeros_like(groups).scatter_(-1, largest, 1)).view_as(matrix), kind))


def typed(matrix, kind):
    if kind == "int8":
        return (32 * matrix).clamp(-127, 127).round().to(torch.int8)
    return matrix.to(torch.float8_e4m3fn) if kind == "fp8" else matrix


def vectors(write):
    write(["op", "shape", "us", "W"])
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
            write([name, f"{rows}x{width}", *measure(calls)])
        if size <= 16e6:
            for name in ("add1", "gelu", "layernorm", "softmax"):
                calls = [lambda: operators[name](inputs[0], outputs[0])] * 20
                write([f"{name}_hot", f"{rows}x{width}", *measure(calls)])


def attention(write):
    write(["kind", "density", "block", "B", "H", "S", "D", "us", "W"])
    for shape in HEADS:
        q, k, v = (tensor(*shape) for _ in range(3))
        for name, causal in (("sdpa", False), ("sdpa_causal", True)):
            measured = measure([lambda: F.scaled_dot_product_attention(q, k, v, is_causal=causal)] * 5)
            write([name, 0.5 if causal else 1.0, "", *shape, *measured])
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
            measured = measure([lambda: compiled(q, k, v, block_mask=mask)] * 3)
            write(["flex_block", round(kept.float().mean().item(), 4), 128, *shape, *measured])


def products(write):
    def profiled(name, product):
        torch.cuda.synchronize()
        torch.cuda.profiler.start()
        torch.cuda.nvtx.range_push(name)
        try:
            product()
            torch.cuda.synchronize()
        finally:
            torch.cuda.nvtx.range_pop()
            torch.cuda.profiler.stop()

    for m, n, k in PRODUCTS:
        a, b = tensor(m, k), tensor(n, k)
        profiled(f"{m}/{n}/{k}/0", lambda: b @ a.t())
        kept = halved(a)
        for algorithm in range(100) if n % 8 == 0 else []:
            try:
                profiled(f"{m}/{n}/{k}/1", lambda: torch._cslt_sparse_mm(kept, b.t(), alg_id=algorithm))
            except RuntimeError:
                break


def sustained(replay, calls, load=0.36):
    """Microseconds of a call, average watts and the clock at the end and on average, of calls without end."""
    replay(1)
    times = max(1, int(0.02 / replay(1)))
    start = time.perf_counter()
    while time.perf_counter() < start + 0.08:
        replay(times)
    clocks, done = [], threading.Event()

    def watch():
        while not done.is_set():
            clocks.append(megahertz())
            time.sleep(0.004)

    watcher = threading.Thread(target=watch)
    watcher.start()
    energy, start, seconds, count = joules(), time.perf_counter(), 0, 0
    while time.perf_counter() < start + load:
        seconds += replay(times)
        count += times
    last = megahertz()
    watts = (joules() - energy) / (time.perf_counter() - start)
    done.set()
    watcher.join()
    return [round(seconds / count / calls * 1e6, 3), round(watts, 1), last, round(statistics.mean(clocks))]


def dense(kind, m, n, k, sets, weights=tensor, activations=tensor):
    """Calls of a dense product, with sets of operands and results in turn."""
    a, b = ([fill(side, k) for _ in range(sets)] for fill, side in ((weights, m), (activations, n)))
    a, b = ([typed(x, kind) for x in side] for side in (a, b))
    result = torch.int32 if kind == "int8" else RESULTS.get(kind, torch.float16)
    c = [torch.empty(n, m, device="cuda", dtype=result) for _ in a]
    one = torch.ones((), device="cuda")
    if kind == "fp8":
        product = lambda i: torch._scaled_mm(b[i], a[i].t(), one, one, out_dtype=torch.bfloat16, out=c[i])
    elif kind == "int8":
        product = lambda i: torch._int_mm(b[i], a[i].t(), out=c[i])
    else:
        product = lambda i: torch.mm(b[i], a[i].t(), out=c[i])
    return [lambda i=i: product(i % sets) for i in range(sets * max(1, 32 // sets))]


def zeros(write):
    write("dtype,m,n,k,activations,zeros_a,zeros_b,us,w,mhz,mhz_mean".split(","))
    points = ([("signed", 0, share) for share in (0, 0.25, 0.5, 0.75, 0.9)]
              + [("positive", 0, share) for share in (0, 0.25, 0.5, 0.75, 0.9)]
              + [("signed", share, 0) for share in (0.5, 0.75, 0.9)] + [("signed", 0.5, 0.5)])
    holed = lambda matrix, share: matrix * (torch.rand_like(matrix) >= share)
    for kind in ("fp16", "fp8", "int8"):
        for size in (4096, 8192):
            for values, in_weights, in_activations in random.sample(points, len(points)):
                calls = dense(
                    kind, size, size, size, 4, lambda *shape: holed(tensor(*shape), in_weights),
                    lambda *shape: holed(tensor(*shape).abs() if values == "positive" else tensor(*shape), in_activations))
                write([kind, size, size, size, values, in_weights, in_activations,
                       *sustained(recorded(calls), len(calls), load=1.2)])


def repeats(write):
    write("dtype,m,n,k,round,us,w,mhz,mhz_mean".split(","))
    for kind in ("fp16", "fp8"):
        for first in range(0, len(REPEATS), 12):  # What fits the card's memory at a time.
            calls = {}
            for m, n, k in REPEATS[first:first + 12]:
                size = (1 if kind == "fp8" else 2) * (m + n) * k
                calls[m, n, k] = dense(kind, m, n, k, max(2, min(40, int(2e8 // size) + 1)))
            replays = {shape: recorded(calls[shape]) for shape in calls}
            for turn in range(4):
                for shape in random.sample(list(calls), len(calls)):
                    write([kind, *shape, turn, *sustained(replays[shape], len(calls[shape]))])


def sets(write):
    write("dtype,m,n,k,sets,us,w,mhz,mhz_mean".split(","))
    for kind in ("fp16", "fp8"):
        for shape in SETS:
            for count in (2, 4, 8, 16, 64):
                calls = dense(kind, *shape, count)
                write([kind, *shape, count, *sustained(recorded(calls), len(calls))])


def clocks(write):
    kinds = {"add": torch.add, "gelu": lambda x, y: F.gelu(x), "silu": lambda x, y: F.silu(x),
             "softmax": lambda x, y: torch.softmax(x, -1), "layer_norm": lambda x, y: F.layer_norm(x, (1024,)),
             "copy": lambda x, y: x.clone()}
    write(["load", "elements", "mhz", *(f"{kind}_us" for kind in kinds)])
    for load in (0, 2048, 4096, 8192):
        a, b = (tensor(max(load, 1), max(load, 1)) for _ in range(2))
        for elements in (1 << 20, 1 << 21, 1 << 22, 1 << 23):
            x, y = (tensor(elements // 1024, 1024) for _ in range(2))

            def step():
                if load:
                    torch.mm(a, b)
                for _ in range(2):  # The second round finds its operands in the cache.
                    for kind in kinds.values():
                        kind(x, y)

            step()
            torch.cuda.synchronize()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                step()
            speeds = []
            with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
                start = time.perf_counter()
                while time.perf_counter() < start + 0.5:
                    for _ in range(20):
                        graph.replay()
                    if time.perf_counter() > start + 0.25:
                        speeds.append(megahertz())
                    torch.cuda.synchronize()
            events = sorted((event.time_range.start, event.device_time) for event in profile.events()
                            if event.device_type == torch.autograd.DeviceType.CUDA and "Memset" not in event.name)
            count = 2 * len(kinds) + (load > 0)
            rounds = [events[first:first + count] for first in range(0, len(events) - count + 1, count)]
            times = [statistics.median(turn[place - len(kinds)][1] for turn in rounds[len(rounds) // 2:])
                     for place in range(len(kinds))]
            write([load, elements, round(statistics.mean(speeds)), *(round(value, 3) for value in times)])


def algorithms(write):
    """How many algorithms the library has for a type; asking for one more ends this process."""
    kind = sys.argv[2]
    kept, b = halved(tensor(4096, 1024), kind), typed(tensor(1024, 1024), kind)
    for algorithm in range(100):
        torch._cslt_sparse_mm(kept, b.t(), out_dtype=RESULTS.get(kind), alg_id=algorithm)
        torch.cuda.synchronize()
        print(algorithm + 1, flush=True)


def known_algorithms(kind):
    counted = subprocess.run([sys.executable, __file__, "algorithms", kind], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True).stdout
    return range(int(counted.split()[-1]))


def schedules(write):
    write("dtype,m,n,k,tile_m,tile_n,cluster_m,cluster_n,shared,cleared".split(","))
    for kind, size in (("fp16", 2), ("fp8", 1), ("int8", 1)):
        known = known_algorithms(kind)
        for row in (512, 1024, 1152, 1280, 1408, 1536, 1664, 1792, 1920, 2048, 2176, 2304, 2560, 2816, 3072, 4096, 8192):
            for m, n in ((768, 1584), (1024, 1024), (3072, 1584)):
                k = row // size
                kept, b = halved(tensor(m, k), kind), typed(tensor(n, k), kind)
                with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
                    for algorithm in known:
                        torch._cslt_sparse_mm(kept, b.t(), out_dtype=RESULTS.get(kind), alg_id=algorithm)
                    torch.cuda.synchronize()
                events = sorted((event.time_range.start, event.name) for event in profile.events()
                                if event.device_type == torch.autograd.DeviceType.CUDA)
                cleared, said = 0, set()
                for _, name in events:
                    if shape := re.search(r"tilesize(\d+)x(\d+)x\d+_cgasize(\d)x(\d)", name):
                        found = (*shape.groups(), int("segment_k_on" in name), cleared)
                        if found not in said:  # Kernels with steps of other lengths do the same.
                            write([kind, m, n, k, *found])
                        said.add(found)
                    cleared = cleared + 1 if "Memset" in name else 0


def stacks(write):
    write("model,kind,layers,batch,seq,hidden,ffn,heads,dense_ms,dense_w,sparse24_ms,sparse24_w".split(","))
    known = known_algorithms("fp16")
    for model, kind, layers, batch, length, hidden, ffn, heads in STACKS:
        tokens = batch * length
        shapes = {"qkv": (3 * hidden, hidden), "o": (hidden, hidden), "down": (hidden, ffn),
                  "up": (2 * ffn if kind == "decoder" else ffn, hidden)}
        one, zero = (torch.full((hidden,), value, device="cuda", dtype=torch.float16) for value in (1, 0))
        start = tensor(tokens, hidden)
        results = []
        for is_sparse in (False, True):
            fastest = {}

            def product(x, layer, name):
                if not is_sparse:
                    return F.linear(x, layer[name])
                return torch._cslt_sparse_mm(layer[name], x.t(), alg_id=fastest[name]).view(tokens, -1)

            def attention(x, layer):
                q, k, v = (part.transpose(1, 2) for part in product(x, layer, "qkv").view(
                    batch, length, 3, heads, hidden // heads).unbind(2))
                mixed = F.scaled_dot_product_attention(q, k, v, is_causal=kind == "decoder")
                return product(mixed.transpose(1, 2).clone(memory_format=torch.contiguous_format).view(
                    tokens, hidden), layer, "o")

            def step():
                x = start
                for layer in weights:
                    if kind == "decoder":
                        x = x + attention(F.rms_norm(x, (hidden,), one), layer)
                        gate, up = product(F.rms_norm(x, (hidden,), one), layer, "up").view(2, tokens, ffn)
                        x = x + product(F.silu(gate) * up, layer, "down")
                    else:
                        x = F.layer_norm(x + attention(x, layer), (hidden,), one, zero)
                        x = F.layer_norm(x + product(F.gelu(product(x, layer, "up")), layer, "down"), (hidden,), one, zero)
                return x

            weights = [{name: tensor(*shape) / shape[1] ** 0.5 for name, shape in shapes.items()} for _ in range(layers)]
            if is_sparse:
                weights = [{name: halved(weight) for name, weight in layer.items()} for layer in weights]
                for name, (m, k) in shapes.items():
                    x = tensor(tokens, k)
                    times = []
                    for algorithm in known:
                        replay = recorded([lambda layer=layer: torch._cslt_sparse_mm(
                            layer[name], x.t(), alg_id=algorithm) for layer in weights[:4]])
                        replay(1)
                        times.append(min(replay(1) for _ in range(3)))
                    fastest[name] = times.index(min(times))
            microseconds, watts, _, _ = sustained(recorded([step]), 1, load=3)
            results += [round(microseconds / 1e3, 4), watts]
        write([model, kind, layers, batch, length, hidden, ffn, heads, *results])


def counters(write):
    """Takes the profiler's table to the columns of products with counters."""
    lines = [line for line in sys.stdin if line.startswith('"')]
    rows = list(csv.DictReader(lines))
    write("layer,dtype,m,n,k,sparse24,kernel,time_ns,clock_mhz,l2_read_bytes_by_sm,dram_read_bytes".split(","))
    said = set()
    for row in rows[1:]:  # The first holds units.
        name = next(value for key, value in row.items() if "Push/Pop" in key).split(":")[1]
        time, cycles, sectors, dram = (float(row[key].replace(",", "")) for key in (
            "gpu__time_duration.sum", "sm__cycles_elapsed.max", "lts__t_sectors_srcunit_tex_op_read.sum",
            "dram__bytes_read.sum"))
        # Several algorithms are one kernel; split reductions have a second one.
        if "gemm" not in row["Kernel Name"] and "nvjet" not in row["Kernel Name"] or (name, row["Kernel Name"]) in said:
            continue
        said.add((name, row["Kernel Name"]))
        m, n, k, sparse = name.split("/")
        write(["kernel", "fp16", m, n, k, sparse, row["Kernel Name"], round(time), round(1e3 * cycles / time),
               round(32 * sectors), round(dram)])


if __name__ == "__main__":
    torch.manual_seed(0)
    random.seed(0)
    modes = {"vectors": vectors, "attention": attention, "products": products, "counters": counters,
             "repeats": repeats, "sets": sets, "clocks": clocks, "zeros": zeros, "stacks": stacks,
             "algorithms": algorithms, "schedules": schedules}
    modes[sys.argv[1]](csv.writer(sys.stdout, lineterminator="\n").writerow)
