"""What a job may set in the environment of its script: settings, and nothing that changes which code runs.

Our own script reads no variable but its contract, so a job of it may set only what tunes the libraries underneath
(TUNING). Somebody else's script has settings of its own, whose names nobody knows; refused there are names that
interpreter, linker, compilers, torchrun or golf read (RUNTIME), and of the libraries underneath (FAMILIES) all but
TUNING and plain numbers. Decides by names and values alone: which script a path in a value belongs to is
`unnamed_paths`. What the node itself hands on is runner.node.environment's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from golf_model.config.checks import require
from golf_model.config.official import REFUSED_VARIABLES
from runner.printable import control_in

CONTRACT = ("SEED", "DATA_PATH", "TOKENIZER_PATH", "RUN_ID")
"""What golf tells each script."""
MOST_NAME = 64
FREE_VALUES, FREE_NAMES = 1_000, 4_000
"""Bytes of all values, and of all names, up to which they are settings; more of either may be weights."""

WHOLE = re.compile(r"-?\d{1,12}")
PLAIN = re.compile(r"[-+]?\d{0,12}\.?\d{0,12}(e[-+]?\d{1,3})?|true|false|on|off|yes|no|none|auto", re.IGNORECASE)
"""A number or a switch: no name of anything."""
_WORDS = re.compile(r"[A-Za-z0-9_,;:^+-]{1,200}")
_ALLOCATOR = re.compile(r"[A-Za-z0-9_,:.\[\]>-]{1,200}")
_COUNTS = """
NCCL_BUFFSIZE NCCL_CROSS_NIC NCCL_CUMEM_ENABLE NCCL_CUMEM_HOST_ENABLE NCCL_IB_DISABLE NCCL_MAX_CTAS NCCL_MAX_NCHANNELS
NCCL_MIN_CTAS NCCL_MIN_NCHANNELS NCCL_NTHREADS NCCL_NVLS_ENABLE NCCL_P2P_DISABLE NCCL_SHM_DISABLE
TORCH_NCCL_ASYNC_ERROR_HANDLING TORCH_NCCL_AVOID_RECORD_STREAMS TORCH_NCCL_ENABLE_MONITORING
TORCH_NCCL_HEARTBEAT_TIMEOUT_SEC TORCH_NCCL_HIGH_PRIORITY
CUDA_DEVICE_MAX_CONNECTIONS CUDA_LAUNCH_BLOCKING NVIDIA_TF32_OVERRIDE KMP_BLOCKTIME
TORCHINDUCTOR_COMPILE_THREADS TORCHINDUCTOR_COORDINATE_DESCENT_TUNING TORCHINDUCTOR_MAX_AUTOTUNE
"""
_CHOICES = """
NCCL_ALGO NCCL_DEBUG NCCL_DEBUG_SUBSYS NCCL_LAUNCH_MODE NCCL_P2P_LEVEL NCCL_PROTO CUBLAS_WORKSPACE_CONFIG
CUDA_DEVICE_ORDER CUDA_MODULE_LOADING OMP_DYNAMIC OMP_PROC_BIND OMP_SCHEDULE OMP_WAIT_POLICY MKL_DYNAMIC
"""
TUNING: Mapping[str, re.Pattern[str]] = {
    **dict.fromkeys(_COUNTS.split(), WHOLE),
    **dict.fromkeys(_CHOICES.split(), _WORDS),
    # Sizes of memory and how it is shared out; none of its keys names a file.
    "PYTORCH_ALLOC_CONF": _ALLOCATOR,
    "PYTORCH_CUDA_ALLOC_CONF": _ALLOCATOR,
    # Which threads run on which cores.
    "KMP_AFFINITY": re.compile(r"[A-Za-z0-9_,=-]{1,200}"),
    "OMP_PLACES": re.compile(r"[A-Za-z0-9_,:(){}-]{1,200}"),
    "TORCH_CUDA_ARCH_LIST": re.compile(r"[0-9a-zA-Z.;+ ]{1,100}"),
}
"""Settings of the libraries below a script and what each may be set to: how fast, how loud, which of their own ways
of computing; no file, no plugin, nothing that is loaded."""

GOLFS_OWN = {
    "OMP_NUM_THREADS": "threads: says it",
    "CUDA_VISIBLE_DEVICES": "hardware: says which GPUs there are",
    "NVIDIA_VISIBLE_DEVICES": "hardware: says which GPUs there are",
}
RUNTIME_PREFIXES = (
    *("PYTHON", "LD_", "DYLD_", "MALLOC_", "GLIBC_", "GCONV_", "BASH_", "XDG_", "OPENSSL_", "GIT_", "COVERAGE_"),
    *("PET_", "TORCHELASTIC_", "RAY_", "NVCC_", "CCACHE_", "GCC_", "CONDA_", "PIP_", "UV_", "PERL", "RUBY", "JAVA_"),
    *("PYDEVD_", "DEBUGPY_", "SLURM_"),
)
_RUNTIME = """
PATH HOME TMPDIR TMP TEMP TEMPDIR USER LOGNAME SHELL SHELLOPTS BASHOPTS ENV IFS PWD OLDPWD CDPATH PS4 EDITOR PAGER
BROWSER LOCPATH NLSPATH TZDIR GETCONF_DIR NIS_PATH HOSTALIASES RESOLV_HOST_CONF RES_OPTIONS LOCALDOMAIN
SSL_CERT_FILE SSL_CERT_DIR NODE_OPTIONS NODE_PATH VIRTUAL_ENV SETUPTOOLS_USE_DISTUTILS LOCAL_KERNELS
RANK LOCAL_RANK WORLD_SIZE LOCAL_WORLD_SIZE GROUP_RANK GROUP_WORLD_SIZE ROLE_RANK ROLE_NAME ROLE_WORLD_SIZE
NODE_RANK MASTER_ADDR MASTER_PORT
CC CXX CPP CUDACXX CUDAHOSTCXX CFLAGS CXXFLAGS CPPFLAGS LDFLAGS LIBS CPATH C_INCLUDE_PATH CPLUS_INCLUDE_PATH
OBJC_INCLUDE_PATH LIBRARY_PATH COMPILER_PATH AR AS LD NM MAKE MAKEFLAGS
"""
RUNTIME = frozenset(_RUNTIME.split())
"""What interpreter, C library, shell, torchrun and compilers read: another value is another program."""
FAMILIES = (
    *("CUDA", "CUBLAS", "CUDNN", "CUPTI", "CUFILE", "CUTLASS", "CUTE_", "NCCL", "NVIDIA", "NVTX", "NVRTC", "NVSHMEM"),
    *("NSYS", "NSIGHT", "OMP_", "GOMP_", "KMP_", "LIBOMP", "MKL_", "OPENBLAS", "GOTO_", "BLIS_", "NPY_", "NUMPY"),
    *("TORCH", "PYTORCH", "ATEN_", "TRITON", "GLOO_", "UCX_", "UCC_", "FI_", "OMPI_", "PMIX_", "PMI_", "HF_"),
    *("HUGGINGFACE", "TRANSFORMERS_", "KERNELS_", "NUMBA_", "LLVM", "HIP", "ROCM", "ROCR", "HSA_", "SYCL", "VK_"),
)
"""Beginnings of what the libraries below a script read."""
_LOADS = """
PATH PATHS DIR DIRS FILE FILES HOME PLUGIN PLUGINS PRELOAD INJECTION32 INJECTION64 LIB LIBS LIBRARY LIBRARIES
MANAGER AUTOLOAD BACKEND BACKENDS CONF CONFIG IMPORT MODULES HOOK HOOKS TOOL TOOLS LAYERS VISIBLE
"""
LOADS = frozenset(_LOADS.split())
"""Words of a name by which a library finds something to load."""

_CREDENTIAL = re.compile(
    r"://[^/\s]*:[^/\s]*@|://[^/\s@]+@|-----BEGIN |\b(ghp|gho|ghs|github_pat|hf|glpat|npm|pypi|xox[abprs]|sk|pk|rk)"
    r"[_-][A-Za-z0-9_-]{16,}|\bA(KIA|SIA)[A-Z0-9]{12,}|\bAIza[A-Za-z0-9_-]{20,}|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]"
)


def looks_secret(value: str) -> bool:
    """Whether a value has the form of a password in an address, or of one of the usual keys and tokens."""
    return _CREDENTIAL.search(value) is not None


def require_settings(settings: Mapping[str, str], place: str, *, ours: bool) -> None:
    """ConfigError, at `place.NAME`, unless each variable may be set for our script, or for somebody else's."""
    for name, value in settings.items():
        taken = name in CONTRACT or name.startswith("GOLF_") or (ours and name in REFUSED_VARIABLES)
        require(not taken, f"{place}.{name}", "belongs to the script's contract; set it in the job's own fields")
        why = value_problem(value) or (problem_of_ours(name, value) if ours else problem_of_theirs(name, value))
        require(why == "", f"{place}.{name}", why)


def value_problem(value: str) -> str:
    """Why no script may be told this, or ''."""
    if control := control_in(value):
        return f"holds a control character ({control}), with which a script's log could be forged; take it out"
    if looks_secret(value):
        return "looks like a password or a key, and the record shows all that a job sets; take it out"
    return ""


def problem_of_ours(name: str, value: str) -> str:
    """Why a job of our own script may not set this, or ''."""
    if name not in TUNING or name in GOLFS_OWN:
        hint = GOLFS_OWN.get(name, "")
        known = f"{hint}; remove it" if hint else "what a model or its training is, config: says"
        return f"is no setting that golf's own script takes, nor one that only tunes NCCL, CUDA or OpenMP; {known}"
    return "" if TUNING[name].fullmatch(value) else _not_plain(value)


def problem_of_theirs(name: str, value: str) -> str:
    """Why a job of somebody else's script may not set this, or ''."""
    if len(name) > MOST_NAME:
        return f"is a name of {len(name):,} characters; at most {MOST_NAME}"
    if name in GOLFS_OWN:
        return f"is golf's to set: {GOLFS_OWN[name]}; remove it"
    words = set(name.split("_"))
    if name in RUNTIME or name.startswith(RUNTIME_PREFIXES) or words & {"PRELOAD", "PLUGIN", "PLUGINS"}:
        return (
            "changes which program runs, not what the script is told; remove it. What the script needs belongs "
            "beside it, into files:"
        )
    if name in TUNING:
        return "" if TUNING[name].fullmatch(value) else _not_plain(value)
    if name.startswith(FAMILIES):
        if words & LOADS:
            return "tells a library what to load, or where it keeps compiled code; remove it"
        return "" if PLAIN.fullmatch(value) else _not_plain(value)
    return ""


def _not_plain(value: str) -> str:
    shown = value if len(value) <= 60 else value[:57] + "..."
    return f"is read by a library below the script, and may only be a plain setting, not {shown!r}"


def unnamed_paths(settings: Mapping[str, str], sources: str) -> Iterator[tuple[str, str]]:
    """(name, what is wrong) of variables that hold a path and that no file of the script mentions.

    Whoever reads such a path is not the script. sources: the text of all its files.
    """
    for name, value in settings.items():
        if "/" in value and name not in sources:
            said = "holds a path, and neither the script nor a file beside it mentions this name"
            yield name, f"{said}: whatever would read it is not the script; remove it"


def counted_variables(*settings: Mapping[str, str]) -> int:
    """Bytes of a job's variables that count as code: all of them where they are more than settings take, else 0."""
    names = sum(len(name) for one in settings for name in one)
    values = sum(len(value.encode("utf-8", "surrogatepass")) for one in settings for value in one.values())
    return names + values if values > FREE_VALUES or names > FREE_NAMES else 0
