"""What a script and its supervisor find in their environment: of the node's own only what stands in a list here.

Whoever starts golf has keys, tokens and settings in the environment that are no business of a script, and some that
would run other code than the job's. So nothing is handed on but what HANDED_ON names, and of that only a value of the
form that belongs there; what decides which code runs (PYTHON*, LD_*, plugins, preloads, caches of compiled code) is
none of it. The rest says the job (runner.job.variables), threads and devices golf. What stays in a home or a
temporary folder is not here (runner.node.isolation.places).
"""

from __future__ import annotations

import importlib.util
import os
import re
import site
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from runner.errors import UserError
from runner.job.variables import looks_secret
from runner.node.attempt_spec import AttemptSpec
from runner.node.orphans import MARKER, mark
from runner.printable import control_in

_LOCALE = re.compile(r"(C|POSIX|[a-z]{2,3}(_[A-Z]{2})?)(\.[A-Za-z0-9-]{1,16})?(@[a-z]{1,16})?")
_LANGUAGES = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?(:[a-z]{2,3}(_[A-Z]{2})?){0,8}")
_ZONE = re.compile(r"[A-Z][A-Za-z]{1,20}([+-]\d{1,2})?(/[A-Z][A-Za-z_+-]{1,30}\d{0,2}){0,2}")
_USER = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")
_PLACE = re.compile(r"/[^:]{0,4000}")
_TOOLKIT = re.compile(r"/(usr|opt)/[A-Za-z0-9/._-]{1,200}")
_GPU = r"(-?\d{1,3}|GPU-[0-9a-f-]{8,40}|MIG-[0-9A-Za-z/-]{8,80})"
_GPUS = re.compile(rf"({_GPU}(,{_GPU}){{0,63}})?")
_GPUS_OF_CONTAINER = re.compile(rf"all|none|void|{_GPUS.pattern}")
_NAMES = re.compile(r"[a-z]{2,12}(,[a-z]{2,12}){0,12}")
_NUMBER = re.compile(r"\d{1,9}")
_LEVEL = re.compile(r"[A-Z]{2,8}|\d{1,2}")
_VERSION = re.compile(r"\d{1,3}(\.\d{1,6}){0,3}")
_HOSTS = re.compile(r"[A-Za-z0-9.*:/\[\], -]{1,500}")

HANDED_ON: Mapping[str, re.Pattern[str]] = {
    "HOME": _PLACE,
    **dict.fromkeys(("USER", "LOGNAME"), _USER),  # torch names its cache after whom it runs as
    **dict.fromkeys(("LANG", "LC_ALL", "LC_CTYPE", "LC_COLLATE", "LC_MESSAGES", "LC_MONETARY"), _LOCALE),
    **dict.fromkeys(("LC_NUMERIC", "LC_TIME"), _LOCALE),
    "LANGUAGE": _LANGUAGES,
    "TZ": _ZONE,
    "CUDA_VISIBLE_DEVICES": _GPUS,
    "CUDA_DEVICE_ORDER": re.compile("FASTEST_FIRST|PCI_BUS_ID"),
    **dict.fromkeys(("CUDA_HOME", "CUDA_PATH"), _TOOLKIT),
    "CUDA_VERSION": _VERSION,
    "CUDA_DEVICE_MAX_CONNECTIONS": _NUMBER,
    "NVIDIA_VISIBLE_DEVICES": _GPUS_OF_CONTAINER,
    "NVIDIA_DRIVER_CAPABILITIES": _NAMES,
    # Of one node: its processes meet on its own loopback, so no network is named here.
    **dict.fromkeys(("NCCL_P2P_DISABLE", "NCCL_SHM_DISABLE", "NCCL_NVLS_ENABLE", "NCCL_CUMEM_ENABLE"), _NUMBER),
    **dict.fromkeys(("NCCL_CUMEM_HOST_ENABLE", "NCCL_IB_DISABLE"), _NUMBER),
    **dict.fromkeys(("NCCL_P2P_LEVEL", "NCCL_DEBUG"), _LEVEL),
    "TORCH_CUDA_ARCH_LIST": re.compile(r"\d{1,2}\.\d[a-z]?(\+PTX)?([; ]\d{1,2}\.\d[a-z]?(\+PTX)?){0,12}"),
}
"""Name -> the whole form of a value that a script may be told. PATH and proxies are looked at by parts."""
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY")
PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
CACHES = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "CUDA_CACHE_PATH", "XDG_CACHE_HOME")
"""Variables that say where compiled code is kept: in each phase's own temporary folder."""
GOLFS = ("SEED", "DATA_PATH", "TOKENIZER_PATH", "RUN_ID", "OMP_NUM_THREADS", "HOME", "TMPDIR", *CACHES)
"""What golf itself tells a script, whatever the node says of it; beside these only the kinds below."""
GOLFS_KINDS = ("GOLF_", "PYTHON")
"""How names begin by which a script finds its referee, and by which Python knows where to write and to look."""
PLAIN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DRIVER = Path("/usr/local/nvidia/lib64")
"""Where some hosts put the driver's libraries, without telling the linker."""


def handed_on(surroundings: Mapping[str, str]) -> dict[str, str]:
    """What a script may know of its node's environment, sorted by name."""
    kept = {
        name: value
        for name, value in surroundings.items()
        if name in HANDED_ON
        and HANDED_ON[name].fullmatch(value)
        and not control_in(value)
        and not looks_secret(value)
    }
    for name, value in surroundings.items():
        if name.upper() in PROXIES and name in (name.upper(), name.lower()) and is_open_proxy(value):
            kept[name] = value
        if name in ("NO_PROXY", "no_proxy") and _HOSTS.fullmatch(value):
            kept[name] = value
    kept["PATH"] = program_path(surroundings.get("PATH", ""))
    return dict(sorted(kept.items()))


def program_path(path: str) -> str:
    """Where programs are found: the interpreter's folder, the system's, then the node's own that are whole paths.

    The system's come first, so that a compiler or an nvidia-smi which only a PATH knows stands in for none of them.
    """
    whole = [place for place in path.split(":") if place.startswith("/") and not control_in(place)]
    return ":".join(dict.fromkeys([str(Path(sys.executable).parent), *PLAIN_PATH.split(":"), *whole]))


def lives_at_home() -> bool:
    """Whether packages of this Python lie in its user's home; else nothing of a home is on a script's path."""
    if not site.ENABLE_USER_SITE:
        return False
    found = [spec for name in ("torch", "numpy", "psutil") if (spec := importlib.util.find_spec(name)) is not None]
    home = site.getusersitepackages()
    return any(spec.origin is not None and Path(spec.origin).is_relative_to(home) for spec in found)


def is_open_proxy(address: str) -> bool:
    """Whether a proxy's address is one, and holds neither a name nor a password."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    plain, known = f"{parts.scheme}://{parts.netloc}", parts.scheme in PROXY_SCHEMES
    host = re.fullmatch(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,253})(:\d{1,5})?", parts.netloc)
    return known and host is not None and address.rstrip("/") == plain and (port is None or port > 0)


def supervisor_environment(marker: Mapping[str, str]) -> dict[str, str]:
    """What a supervisor finds: what a script may know, and the name by which it is found itself."""
    return {**handed_on(os.environ), **marker}


def base_environment(spec: AttemptSpec, base: Path, surroundings: Mapping[str, str]) -> dict[str, str]:
    """What every phase of an attempt finds in its environment.

    Temporary files go to the work folder `base`, or torchrun's would stay behind for ever. UserError where a value
    has a control character, with which the script's log could be made to say what it does not.
    """
    hidden = {} if spec.gpus else {"CUDA_VISIBLE_DEVICES": ""}  # `hardware: cpu` means the CPU, GPU or not
    # CUDA counts the fastest first unless told to count as nvidia-smi does, by which we name and watch them.
    hidden |= {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"} if spec.gpus else {}
    library = {"LD_LIBRARY_PATH": str(DRIVER)} if spec.gpus and (DRIVER / "libcuda.so.1").exists() else {}
    told = {
        **handed_on(surroundings),
        **hidden,
        **library,
        "OMP_NUM_THREADS": str(spec.threads),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **({} if lives_at_home() else {"PYTHONNOUSERSITE": "1"}),
        **spec.env,
        "SEED": str(spec.seed),
        "RUN_ID": f"{spec.job}_seed{spec.seed}",
        "TMPDIR": str(base / "tmp"),
        MARKER: mark(f"{spec.job}-seed{spec.seed}", base),
    }
    require_lines({**told, "the interpreter's path": sys.executable})
    return told


def require_lines(told: Mapping[str, str]) -> None:
    """UserError where a variable has a character by which one line of a log could look like two."""
    for name, value in told.items():
        if control := control_in(value):
            raise UserError(f"{name} would hold a control character ({control}) on this node; rename that folder")
