"""A GPU that is not here: what a script asks of CUDA is done by the CPU, so that its own code runs as it stands.

Runs inside the cut-off room; torch by its name only. Devices called cuda become cpu wherever a function of torch is
told one; flash-attention is torch's own attention; processes are one.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import sys
import threading
import types
from typing import Any


def install(torch: Any, finder: Any) -> None:
    """Stand in for CUDA and flash-attention in this process."""
    mode = device_mode(torch)
    mode().__enter__()
    plain = threading.Thread.run

    def run(thread: threading.Thread) -> None:
        with mode():  # a mode holds in its own thread
            plain(thread)

    threads: Any = threading.Thread
    threads.run = run
    cuda(torch)
    for compiler in (torch._dynamo, torch.compiler):
        compiler.reset = lambda: None  # nothing was compiled
    torch.inference_mode = without_gradients(torch)
    autocast(torch)
    attention(torch, finder)


def without_gradients(torch: Any) -> Any:
    """Inference mode as no_grad: what a script keeps of a compiled model is no inference tensor there."""

    def inference_mode(mode: Any = True) -> Any:
        if callable(mode):
            return torch.no_grad()(mode)
        return torch.no_grad() if mode else contextlib.nullcontext()

    return inference_mode


def on_cpu(torch: Any, value: Any) -> Any:
    """A device that a function was told, on this machine."""
    if isinstance(value, str) and value.split(":")[0] == "cuda":
        return "cpu"
    if isinstance(value, torch.device) and value.type == "cuda":
        return torch.device("cpu")
    return value


def device_mode(torch: Any) -> Any:
    """A mode in which functions of torch find cpu where they were told cuda."""
    overrides = importlib.import_module("torch.overrides")
    moves = {torch.Tensor.cuda, torch.Tensor.pin_memory}

    class OnCpu(overrides.TorchFunctionMode):  # type: ignore[misc, name-defined]
        def __torch_function__(self, function: Any, kinds: Any, values: Any = (), named: Any = None) -> Any:
            if function in moves:
                return values[0]
            told = {name: on_cpu(torch, value) for name, value in (named or {}).items()}
            if told.get("pin_memory"):
                told["pin_memory"] = False
            return function(*[on_cpu(torch, value) for value in values], **told)

    return OnCpu


def cuda(torch: Any) -> None:
    """torch.cuda of one device that does nothing on its own."""
    own = torch.cuda
    properties = own.get_device_properties()

    class Moment:
        def __init__(self, *_: Any, **__: Any) -> None:
            self.at = 0.0

        def record(self, *_: Any) -> None:
            self.at = importlib.import_module("time").perf_counter()

        def elapsed_time(self, other: Any) -> float:
            return float((other.at - self.at) * 1000)

        def __getattr__(self, name: str) -> Any:
            return lambda *_, **__: self

    def nothing(*_: Any, **__: Any) -> None:
        return None

    def none_of_it(*_: Any, **__: Any) -> int:
        return 0

    def one(*_: Any, **__: Any) -> int:
        return 1

    def yes(*_: Any, **__: Any) -> bool:
        return True

    def within(*_: Any, **__: Any) -> Any:
        return contextlib.nullcontext()

    def memory(*_: Any, **__: Any) -> tuple[int, int]:
        return properties.total_memory, properties.total_memory

    for names, value in {
        "synchronize empty_cache manual_seed manual_seed_all reset_peak_memory_stats init set_rng_state": nothing,
        "max_memory_allocated max_memory_reserved current_device memory_allocated memory_reserved": none_of_it,
        "is_available is_initialized is_bf16_supported": yes,
        "device_count": one,
        "mem_get_info": memory,
        "Event Stream": Moment,
        "current_stream default_stream": Moment,
        "stream device": within,
        "get_rng_state": lambda *_, **__: torch.get_rng_state(),
    }.items():
        for name in names.split():
            setattr(own, name, value)
    torch.nn.Module.cuda = lambda self, *_, **__: self
    plain_to, plain_group = torch.nn.Module.to, torch.distributed.init_process_group

    def to(self: Any, *values: Any, **named: Any) -> Any:
        told = {name: on_cpu(torch, value) for name, value in named.items()}
        return plain_to(self, *[on_cpu(torch, value) for value in values], **told)

    def init_process_group(backend: Any = None, *values: Any, **named: Any) -> Any:
        return plain_group("gloo", *values, **{name: told for name, told in named.items() if name != "device_id"})

    torch.nn.Module.to, torch.distributed.init_process_group = to, init_process_group


def autocast(torch: Any) -> None:
    """Autocast of cuda is that of the cpu."""
    plain: Any = torch.autocast

    class OnCpu(plain):  # type: ignore[misc]
        def __init__(self, device_type: Any = "cpu", dtype: Any = None, **named: Any) -> None:
            if dtype is torch.float16:
                dtype = torch.bfloat16
            super().__init__("cpu", dtype=dtype, **named)

    torch.autocast = OnCpu
    torch.amp.autocast = OnCpu
    torch.cuda.amp.autocast = lambda *values, **named: OnCpu("cpu", **named)


def attention(torch: Any, finder: Any) -> None:
    """flash-attention's functions, by torch's own attention: [batch, time, heads, width]."""
    functional = torch.nn.functional

    def attend(query: Any, key: Any, value: Any, *_: Any, **named: Any) -> Any:
        window = named.get("window_size") or (-1, -1)
        causal = bool(named.get("causal", False))
        scale = named.get("softmax_scale")
        groups = query.shape[2] // key.shape[2]
        length, back = query.shape[1], window[0]
        q, k, v = (one.transpose(1, 2) for one in (query, key, value))
        if groups > 1:
            k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
        at = torch.arange(length)
        far = at[:, None] - at[None, :]
        seen = (far >= 0) if causal else torch.ones_like(far, dtype=torch.bool)
        if back is not None and back >= 0:
            seen = seen & (far <= back)
        made = functional.scaled_dot_product_attention(q, k, v, attn_mask=seen, scale=scale)
        return made.transpose(1, 2).contiguous()

    def attend_packed(query: Any, key: Any, value: Any, *values: Any, **named: Any) -> Any:
        starts: Any = named.get("cu_seqlens_q", values[0] if values else None)
        edges = [int(one) for one in starts.tolist()]
        pieces = [
            attend(query[a:b][None], key[a:b][None], value[a:b][None], **named)[0]
            for a, b in itertools.pairwise(edges)
            if b > a
        ]
        return torch.cat(pieces)

    for name in ("flash_attn_interface", "flash_attn", "flash_attn.flash_attn_interface"):
        module = types.ModuleType(name)
        module.__dict__.update(
            flash_attn_func=attend,
            flash_attn_varlen_func=attend_packed,
            __version__="3.0.0",
            __path__=[],
        )
        sys.modules.setdefault(name, module)
    for name in ("flash_attn_interface", "flash_attn"):
        if name not in finder.used:
            finder.used.append(name)
