"""Which code a program takes from outside its own file: read from its text, never run.

Files of its own folder that it imports or starts, also those in subfolders, and modules that are neither Python's own
nor a known package nor there. An import that may fail (within `try`) asks for nothing. Of a text that is no
Python, what
looks like an import counts.
"""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

from runner.audit.reading.folder import Folder
from runner.audit.reading.text import read_text

LARGEST = 1 << 20
IMPORT = re.compile(r"^\s{0,40}(?:from\s+(\.{0,3}[\w.]{1,200})\s+import\b|import\s+([\w., ]{1,400}))", re.MULTILINE)
LOOKS_LIKE_IMPORT = re.compile(
    r"(?:^|[;:])[ \t]{0,60}(?:from[ \t]+([.\w]{1,200})[ \t]+import\b|import[ \t]+([\w., \t]{1,400}))", re.MULTILINE
)
STARTS = re.compile(
    r"\brun_path\b|\brun_module\b|\bimport_module\b|\bspec_from_file_location\b|__import__|\w\.py[\"']"
)
STARTING = ("run_path", "run_module", "import_module", "spec_from_file_location", "__import__", ".py'", '.py"')
"""One of these stands where `STARTS` matches: a search for plain words is a hundred times as fast."""
STARTERS = {
    "run_path",
    "run_module",
    "import_module",
    "spec_from_file_location",
    "__import__",
    "run",
    "Popen",
    "call",
    "check_call",
    "check_output",
}
"""Calls that start or load a file that is named in them."""
PACKAGES = {
    *("accelerate", "aiohttp", "ans", "apex", "bitsandbytes", "blake3", "boto3", "brotli", "brotlicffi"),
    *("causal_conv1d", "click", "constriction", "cpuinfo", "cuda", "cupy", "cutlass", "cython", "Cython", "dask"),
    *("datasets", "deepspeed", "diskcache", "dotenv", "einops", "faiss", "fastapi", "fla", "flash_attn"),
    *("flash_attn_2", "flash_attn_3", "flash_attn_3_cuda", "flash_attn_cuda", "flash_attn_interface"),
    *("flashattn_hopper", "flax", "ftfy", "gguf", "google", "h5py", "hf_transfer", "httpx", "huggingface_hub"),
    *("imageio", "ipykernel", "IPython", "jax", "jaxlib", "joblib", "jsonlines", "kernels", "levenshtein"),
    *("liger_kernel", "lightning", "llvmlite", "loguru", "lz4", "mamba_ssm", "matplotlib", "ml_dtypes", "mlx"),
    *("modal", "mpi4py", "msgpack", "muon", "natten", "neptune", "networkx", "ninja", "nltk", "numba", "numpy"),
    *("nvidia", "nvtx", "omegaconf", "onnx", "openai", "optax", "optuna", "orjson", "packaging", "pandas", "peft"),
    *("PIL", "pkg_resources", "plotly", "polars", "protobuf", "psutil", "py7zr", "pyarrow", "pybind11", "pydantic"),
    *(
        "pynvml",
        "pytest",
        "pytorch_lightning",
        "python_minifier",
        "pywt",
        "pyzstd",
        "range_coder",
        "rans",
        "ray",
        "regex",
        "requests",
    ),
    *("rich", "runpod", "safetensors", "scipy", "seaborn", "selective_scan_cuda", "sentence_transformers"),
    *("sentencepiece", "setuptools", "simplejson", "six", "sklearn", "snappy", "statsmodels", "submitit", "sympy"),
    *("tabulate", "tensorboard", "tensorflow", "termcolor", "thinc", "tiktoken", "timm", "tokenizers"),
    *("tokenmonster", "toml", "tomli", "torch", "torch_xla", "torchao", "torchaudio", "torchdata", "torchinfo"),
    *("torchtune", "torchvision", "tqdm", "transformer_engine", "transformers", "triton", "triton_kernels", "typer"),
    *("typing_extensions", "ujson", "wandb", "wheel", "xformers", "xxhash", "yaml", "zopfli", "zstandard", "zstd"),
}
"""Packages by the names under which they are imported; code in them is not the entry's."""


@dataclass
class Wanted:
    """What one program's text asks for."""

    modules: list[str] = field(default_factory=list)
    """Dotted names that must be there."""
    perhaps: list[str] = field(default_factory=list)
    """Dotted names whose import may fail."""
    files: list[str] = field(default_factory=list)
    """File names that stand in calls which start or load a file."""


def outside_code(folder: Folder) -> tuple[list[str], list[str]]:
    """(files of the folder that the program uses, modules that are nowhere), those that the files use included."""
    names = (*folder.scripts, *folder.modules)
    files = {name[:-3].replace("/", "."): name for name in names}
    files |= {name.removesuffix(".__init__"): path for name, path in files.items() if name.endswith(".__init__")}
    by_stem: dict[str, str] = {}
    for name in sorted(names, key=lambda name: name.count("/")):
        by_stem.setdefault(name.rpartition("/")[2][:-3], name)
    start, found, nowhere = folder.script, [], set[str]()
    pending = [start] if start else []
    while pending:
        text = read_text(folder.path / pending.pop(), LARGEST)
        if not _asks_for_more(text, files):
            continue
        wanted = wanted_by(text)
        used: list[str] = []
        for module in (*wanted.modules, *wanted.perhaps):
            local = _local(module, files, by_stem)
            used += local
            top = module.lstrip(".").split(".")[0]
            if not local and module in wanted.modules and top and not module.startswith(".") and not _known(top):
                nowhere.add(top)
        used += [path for name in wanted.files for path in names if path == name or path.endswith(f"/{name}")]
        for name in used:
            if name not in found and name != start:
                found.append(name)
                pending.append(name)
    return sorted(found), sorted(nowhere)


def _asks_for_more(text: str, files: dict[str, str]) -> bool:
    """A cheap first look: whether anything in a program's text could lead outside it; most lead to known
    packages alone."""
    if any(word in text for word in STARTING) and STARTS.search(text):
        return True
    importing = "\n".join(line for line in text.split("\n") if "import" in line)
    for match in LOOKS_LIKE_IMPORT.finditer(importing):
        names = [match[1]] if match[1] else [part.split()[0] for part in match[2].split(",") if part.strip()]
        for name in names:
            top = name.split(".")[0]
            if not _known(top) or top in files or name.startswith("."):
                return True
    return False


def _local(module: str, files: dict[str, str], by_stem: dict[str, str]) -> list[str]:
    """The files of the folder that a dotted name leads to."""
    parts = module.lstrip(".").split(".")
    found = [files[name] for length in range(1, len(parts) + 1) if (name := ".".join(parts[:length])) in files]
    if not found and not _known(parts[0]):
        found = [by_stem[part] for part in (parts[0], parts[-1]) if part in by_stem][:1]
    return found


def _known(top: str) -> bool:
    return top in sys.stdlib_module_names or top in PACKAGES or top.startswith(("_", "flash_attn", "nvidia", "torch"))


def wanted_by(text: str) -> Wanted:
    """What a program's text asks for; of a text that is no Python, what looks like an import, as something
    that may fail."""
    wanted = Wanted()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        for match in IMPORT.finditer(text):
            wanted.perhaps += (
                [match[1]] if match[1] else [part.split()[0] for part in match[2].split(",") if part.strip()]
            )
        return wanted
    _walk(tree, wanted)
    return wanted


def _walk(tree: ast.AST, wanted: Wanted) -> None:
    pending: list[tuple[ast.AST, bool]] = [(tree, False)]
    while pending:
        node, may_fail = pending.pop()
        if isinstance(node, ast.Import):
            (wanted.perhaps if may_fail else wanted.modules).extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module, *inside = _imported_from(node)
            (wanted.perhaps if may_fail else wanted.modules).append(module)
            wanted.perhaps += inside  # an attribute, or a module of a package
        elif isinstance(node, ast.Call):
            wanted.files += list(_started(node))
        guarded = isinstance(node, ast.Try) or (
            isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)[:200]
        )
        for child in ast.iter_child_nodes(node):
            if child._fields:  # neither an operator nor a context: most of a tree
                pending.append((child, may_fail or guarded))


def _imported_from(node: ast.ImportFrom) -> Iterator[str]:
    """The module that is named, then each name of it."""
    dots = "." * node.level
    yield f"{dots}{node.module or node.names[0].name}"
    yield from (f"{dots}{node.module}.{alias.name}" if node.module else f"{dots}{alias.name}" for alias in node.names)


def _started(node: ast.Call) -> Iterator[str]:
    """Names of Python files in a call that starts or loads one."""
    called = (
        node.func.attr
        if isinstance(node.func, ast.Attribute)
        else node.func.id
        if isinstance(node.func, ast.Name)
        else ""
    )
    if called not in STARTERS and called != "exec":
        return
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            text = inner.value.strip()
            if re.fullmatch(r"[\w./-]{1,200}\.py", text):
                yield text.removeprefix("./")
            elif called in ("import_module", "__import__", "run_module") and re.fullmatch(r"[\w.]{1,200}", text):
                yield text.replace(".", "/") + ".py"
