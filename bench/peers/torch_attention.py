"""Attention in PyTorch for `parsimony bench peers`: scaled_dot_product_attention or FlexAttention.

Requests come from standard input, answers go to standard output. Each is a line of JSON; the bytes of the tensors that its
"tensors" names follow, [name, bytes] each: f32, [tokens, heads, head dimension]. Times are taken here, without the messages.
"""

import ctypes
import json
import os
import queue
import sys
import threading
import time

# PyTorch prints to standard output now and then: only answers may go there.
answers = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
requests = queue.Queue()


def read_requests():
    while line := sys.stdin.buffer.readline():
        request = json.loads(line)
        sizes = request.get("tensors", [])
        requests.put((request, {name: bytearray(sys.stdin.buffer.read(size)) for name, size in sizes}))
    # The benchmark has ended, perhaps while something is compiled here.
    os._exit(0)


def answer(value, tensors=()):
    # Without numpy, which PyTorch does not need.
    parts = [(name, ctypes.string_at(tensor.data_ptr(), 4 * tensor.numel())) for name, tensor in tensors]
    value = {**value, "tensors": [[name, len(part)] for name, part in parts]}
    answers.write(json.dumps(value).encode() + b"\n" + b"".join(part for _, part in parts))
    answers.flush()


def open_device(kind, card):
    """The CPU, or the CUDA card of this name: "nvidia-h200" is WebGPU's name of "NVIDIA H200"."""
    if kind == "cpu":
        return torch.device("cpu"), f"CPU, PyTorch {torch.__version__}"
    names = [torch.cuda.get_device_name(at) for at in range(torch.cuda.device_count())]
    if not names:
        raise RuntimeError(f"PyTorch {torch.__version__} of python3 sees no CUDA card")
    for at, name in enumerate(names):
        if name.lower().replace(" ", "-") == card:
            torch.cuda.set_device(at)
            return torch.device("cuda", at), f"{name}, PyTorch {torch.__version__}"
    raise RuntimeError(f'PyTorch sees "{names[0]}", the benchmark runs on "{card}"')


class Attention:
    """One attention: its inputs and mask on the device, and the compiled function."""

    def __init__(self, request, tensors, device):
        self.device = device
        self.backward = request["backward"]
        shape = (request["tokens"], request["heads"], request["headDim"])
        dtype = torch.float16 if request["precision"] == "f16" else torch.float32

        def load(name):
            rows = torch.frombuffer(tensors[name], dtype=torch.float32).view(shape)
            return rows.transpose(0, 1).unsqueeze(0).to(device, dtype).contiguous()

        self.inputs = [load(name).requires_grad_(self.backward) for name in ("query", "key", "value")]
        self.gradient = load("outputGradient")
        began = time.perf_counter()
        allowed = None
        if request["mask"]:
            # Of tags: whether the query's sees the key's.
            table = torch.tensor(request["table"], dtype=torch.bool, device=device)
            tags = torch.tensor(request["tags"], device=device)
            allowed = self.block_mask(tags, table) if request["flex"] else table[tags][:, tags]
            self.synchronize()
        self.plan_ms = 1000 * (time.perf_counter() - began)
        if request["flex"]:
            # Whole, or an error: never uncompiled without a word.
            flex = torch.compile(flex_attention, dynamic=False, fullgraph=True)
            self.attend = lambda query, key, value: flex(query, key, value, block_mask=allowed)
        else:
            sdpa = torch.nn.functional.scaled_dot_product_attention
            self.attend = lambda query, key, value: sdpa(query, key, value, attn_mask=allowed)

    def block_mask(self, tags, table):
        def is_allowed(batch, head, query, key):
            return table[tags[query], tags[key]]

        return create_block_mask(is_allowed, None, None, len(tags), len(tags), device=self.device)

    def run(self):
        output = self.attend(*self.inputs)
        if not self.backward:
            return [output]
        return [output, *torch.autograd.grad(output, self.inputs, self.gradient)]

    def check(self):
        names = ("output", "queryGradient", "keyGradient", "valueGradient")
        for name, result in zip(names, self.run()):
            yield name, result.detach()[0].transpose(0, 1).to("cpu", torch.float32).contiguous()

    def synchronize(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def wall_ms(self):
        self.synchronize()
        began = time.perf_counter()
        self.run()
        self.synchronize()
        return 1000 * (time.perf_counter() - began)

    def gpu_ms(self):
        """By CUDA events. The GPU is kept busy until all is enqueued: otherwise it would wait for Python in between."""
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda._sleep(BUSY_CYCLES)
        start.record()
        self.run()
        end.record()
        torch.cuda.synchronize()
        return start.elapsed_time(end)


# About 10 ms of a GPU at 2 GHz.
BUSY_CYCLES = 20_000_000


def serve():
    device, prepared = None, []
    while True:
        request, tensors = requests.get()
        try:
            kind = request["kind"]
            if kind == "open":
                device, name = open_device(request["device"], request["card"])
                answer({"adapter": name, "hasClock": device.type == "cuda"})
            elif kind == "prepare":
                prepared.append(Attention(request, tensors, device))
                answer({"handle": len(prepared) - 1, "planMs": prepared[-1].plan_ms})
            elif kind == "check":
                answer({}, prepared[request["handle"]].check())
            elif kind == "time":
                attention = prepared[request["handle"]]
                answer({"milliseconds": attention.gpu_ms() if request["clock"] == "gpu" else attention.wall_ms()})
            elif kind == "release":
                prepared.clear()
                # Each shape is compiled by itself, and PyTorch compiles a function only a few times.
                torch.compiler.reset()
                answer({})
        except Exception as error:
            answer({"error": str(error)})


threading.Thread(target=read_requests, daemon=True).start()
try:
    import torch
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention
except ImportError as error:
    requests.get()
    answer({"error": f"python3 has no PyTorch with FlexAttention ({error})"})
else:
    serve()
