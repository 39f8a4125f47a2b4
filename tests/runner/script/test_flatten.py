"""Flattening small packages: what the one file holds, and every refusal with its places."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from runner.errors import UserError
from runner.script.flatten import flatten

FUTURE = "from __future__ import annotations\n"
MAIN = FUTURE + "from pathlib import Path\n\n\ndef main(config: str, script: Path) -> int:\n    return 0\n"


def package(folder: Path, **modules: str) -> Path:
    """A package `pkg` with a `main` that returns 0 unless given; `__` in a name stands for a subfolder."""
    for name, source in {"__init__": '"""Only a docstring."""\n', "main": MAIN, **modules}.items():
        parts = name.split("__") if not name.startswith("__") else [name]
        path = folder / "pkg" / Path(*parts).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return folder / "pkg"


def flat(folder: Path, head: str = "", **modules: str) -> str:
    return flatten(package(folder, **modules), "main", "'the configuration'", head)


def run(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "flat.py").write_text(text)
    return subprocess.run([sys.executable, "-I", folder / "flat.py"], capture_output=True, text=True, cwd=folder)


USES = FUTURE + "from pkg.{0} import {1}\n"


def test_flat_file_runs_main_with_the_configuration_and_its_own_path(tmp_path: Path) -> None:
    main = FUTURE + (
        "import sys\nfrom pathlib import Path\n\nfrom pkg.parts import LIMIT, double\n\n\n"
        "def main(config: str, script: Path) -> int:\n"
        "    print(config, script.name, double(LIMIT), [name for name in sys.modules if 'pkg' in name])\n"
        "    return 7\n"
    )
    parts = FUTURE + "LIMIT = 21\n\n\ndef double(x: int) -> int:\n    return 2 * x\n"
    done = run(tmp_path, flat(tmp_path, main=main, parts=parts))
    assert (done.stdout, done.stderr, done.returncode) == ("the configuration flat.py 42 []\n", "", 7)


def test_python_looks_through_no_objects_while_it_imports_or_ends_and_does_while_it_runs(tmp_path: Path) -> None:
    main = FUTURE + (
        "import atexit\nimport gc\nfrom pathlib import Path\n\nimport peek\n\n\n"
        "def main(config: str, script: Path) -> int:\n"
        "    atexit.register(lambda: print(gc.get_freeze_count() > 1000))\n"
        "    print(peek.looked, gc.isenabled(), gc.get_freeze_count())\n"
        "    return 3\n"
    )
    (tmp_path / "peek.py").write_text("import gc\n\nlooked = gc.isenabled()\n")
    (tmp_path / "flat.py").write_text(flat(tmp_path, main=main))
    done = subprocess.run([sys.executable, "flat.py"], capture_output=True, text=True, cwd=tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("False True 0\nTrue\n", "", 3)


def test_modules_stand_in_the_order_in_which_imports_run_them(tmp_path: Path) -> None:
    text = flat(
        tmp_path,
        main=FUTURE
        + "from pkg.late import B\nfrom pkg.early import A\n"
        + MAIN.removeprefix(FUTURE)
        + "TOP = A, B\n",
        late=FUTURE + "from pkg.early import A\nB = A + 1\n",
        early=FUTURE + "A = 1\n",
    )
    banners = [line.split()[2] for line in text.splitlines() if line.startswith("# ---- ")]
    assert banners == ["pkg/early.py", "pkg/late.py", "pkg/main.py", "configuration"]


def test_only_modules_that_the_entry_reaches_are_included(tmp_path: Path) -> None:
    text = flat(tmp_path, unused="this is not even Python\n", main=MAIN)
    assert "unused" not in text


def test_outside_imports_are_merged_sorted_and_future_ones_come_first(tmp_path: Path) -> None:
    text = flat(
        tmp_path,
        head="# head",
        main=USES.format("a", "x") + "import sys\nfrom os import sep, path as p\nfrom pathlib import Path\n"
        "def main(config, script):\n    return x\n",
        a=FUTURE + "import os.path\nimport json as j\nfrom os import linesep, sep\nx = 0\n",
    )
    assert text.startswith(
        "# head\n\n\nfrom __future__ import annotations\n\n\nimport gc\n\ngc.disable()\n"
        "import json as j\nimport os.path\nimport sys\nfrom os import linesep, path as p, sep\n"
        "from pathlib import Path\n\ngc.enable()\n\n\n# ---- pkg/a.py "
    )
    assert text.count("import") == 7


def test_long_lists_of_imported_names_are_wrapped(tmp_path: Path) -> None:
    names = [f"a_rather_long_name_{number}" for number in range(9)]
    text = flat(
        tmp_path, main=MAIN.replace("pathlib import Path", "pathlib import Path\nfrom big import " + ", ".join(names))
    )
    assert "from big import (\n    a_rather_long_name_0,\n" in text
    assert max(map(len, text.splitlines())) <= 118


def test_comments_and_docstrings_stay_and_source_is_not_reformatted(tmp_path: Path) -> None:
    code = (
        'def  odd( a,b ):   # why it is odd\n    """What it does."""\n    return  {  "x" :a }  # kept\n# last words\n'
    )
    text = flat(
        tmp_path,
        main=USES.format("a", "odd") + MAIN.removeprefix(FUTURE),
        a=f'"""What a is.\n\nMore."""\n{FUTURE}{code}',
    )
    assert code in text
    assert "\n# What a is.\n#\n# More.\n\n" in text


def test_form_feeds_and_line_separators_inside_strings_do_not_shift_lines(tmp_path: Path) -> None:
    value = 'X = """one\x0ctwo\u2028three"""\n'
    text = flat(
        tmp_path,
        main=f"{FUTURE}from pkg.a import X\n{MAIN.removeprefix(FUTURE)}",
        a=f"{FUTURE}{value}import_count = 3\n",
    )
    assert value + "import_count = 3\n" in text


def test_guarded_and_local_imports_of_outside_packages_stay_where_they_are(tmp_path: Path) -> None:
    guarded = "try:\n    import brotli\nexcept ImportError:\n    brotli = None\n"
    local = "def kernel():\n    import triton\n    return triton\n"
    text = flat(tmp_path, main=USES.format("a", "kernel") + MAIN.removeprefix(FUTURE), a=FUTURE + guarded + local)
    assert guarded in text
    assert local in text


def test_subpackages_are_flattened_too(tmp_path: Path) -> None:
    text = flat(tmp_path, main=USES.format("sub.a", "X") + MAIN.removeprefix(FUTURE), sub__a=FUTURE + "X = 1\n")
    assert "# ---- pkg/sub/a.py " in text


def test_names_of_functions_may_repeat_inside_functions_and_classes(tmp_path: Path) -> None:
    a = FUTURE + "def f(x):\n    y = [z for z in x]\n    return y\n\n\nclass A:\n    g = 1\n"
    b = FUTURE + "x = y = z = 0\n\n\ndef g():\n    import x\n    return x\n"
    both = FUTURE + "from pkg.a import f, A\nfrom pkg.b import g\n" + MAIN.removeprefix(FUTURE)
    ast.parse(flat(tmp_path, main=both, a=a, b=b))


def test_a_reexported_name_is_found(tmp_path: Path) -> None:
    text = flat(
        tmp_path,
        main=USES.format("a", "X, sep") + MAIN.removeprefix(FUTURE),
        a=USES.format("b", "X") + "from os import sep\n",
        b=FUTURE + "X = 1\n",
    )
    assert "X = 1" in text


TWO = FUTURE + "from pkg.a import f\nfrom pkg.b import g\n" + MAIN.removeprefix(FUTURE)
REFUSALS: dict[str, tuple[str, str, list[str]]] = {  # what a.py holds, what b.py holds, what is said
    "functions": (
        "def f(): ...\ndef _same(): ...",
        "def g(): ...\n\ndef _same(): ...",
        ["_same", "a.py:3", "b.py:4"],
    ),
    "class and value": ("def f(): ...\nclass Same: ...", "def g(): ...\nSame = 3", ["Same", "a.py:3", "b.py:3"]),
    "in a branch": ("f = 1\nif f:\n    same = 2", "g = 1\nfor same in []: ...", ["same", "a.py:4", "b.py:3"]),
    "walrus": ("f = [same := 1 for _ in []]", "g = 1\nsame: int", ["same", "a.py:2", "b.py:3"]),
    "global in a function": ("def f():\n    global same\n    same = 1", "g = same = 1", ["same", "a.py:3", "b.py:2"]),
    "different imports": (
        "import json as x\nf = 1",
        "import math as x\ng = 1",
        ["`x`", "a.py:2", "json", "b.py:2", "math"],
    ),
    "import and attribute": (
        "from os import path\nf = 1",
        "from sys import path\ng = 1",
        ["a.py:2 (os.path)", "b.py:2 (sys.path)"],
    ),
    "import and function": ("import json\nf = 1", "g = 1\ndef json(): ...", ["`json`", "a.py:2", "b.py:3"]),
    "guarded and plain import": (
        "try:\n    import json\nexcept ImportError:\n    f = 1\nf = 2",
        "import json\ng = 1",
        ["a.py:3", "b.py:2"],
    ),
    "rebound import": ("import json\nf = 1\njson = 3", "g = 1", ["a.py:2 (json)", "a.py:4"]),
    "the bundle's own name": ("f = CONFIG = 1", "g = 1", ["CONFIG", "a.py:2", "the bundle's last lines"]),
    "Path from elsewhere": ("from zipfile import Path\nf = 1", "g = 1", ["Path", "a.py:2 (zipfile.Path)"]),
    "builtin": ("f = 1\ndef max(): ...", "g = 1", ["builtin", "`max`", "a.py:3"]),
    "import as module": ("import pkg.b\nf = 1", "g = 1", ["a.py:2", "import pkg.b", "from pkg.b import NAME"]),
    "import renamed": ("import pkg.b as other\nf = 1", "g = 1", ["a.py:2", "import pkg.b"]),
    "name renamed": ("from pkg.b import g as h\nf = 1", "g = 1", ["a.py:2", "`g as h`"]),
    "module from package": ("from pkg import b\nf = 1", "g = 1", ["a.py:2", "pkg.b", "NAME"]),
    "relative": ("from .b import g\nf = 1", "g = 1", ["a.py:2", "relative"]),
    "star": ("from os.path import *\nf = 1", "g = 1", ["a.py:2", "import *"]),
    "star in a branch": ("f = 1\nif f:\n    from os import *", "g = 1", ["a.py:4", "import *"]),
    "late import": ("def f():\n    from pkg.b import g\n    return g", "g = 1", ["a.py:3", "late import of pkg.b"]),
    "late module import": ("def f():\n    import pkg.b", "g = 1", ["a.py:3", "late import of pkg.b"]),
    "late relative import": ("def f():\n    from . import b", "g = 1", ["a.py:3", "late import"]),
    "type checking": ("f = 1\nif 0:\n    from pkg.b import g", "g = 1", ["a.py:4", "late import of pkg.b"]),
    "import below code": ("f = 1\nimport json", "g = 1", ["a.py:3", "below code (line 2)"]),
    "shared line": ("import json; f = 1", "g = 1", ["a.py:2", "shares its line"]),
    "cycle": (
        "from pkg.b import g\nf = 1",
        "from pkg.a import f\ng = 1",
        ["cycle", "a.py:2 imports pkg.b", "b.py:2 imports pkg.a"],
    ),
    "own file": ("f = __file__", "g = 1", ["a.py:2", "`__file__`"]),
    "main guard": ("f = 1\nif __name__ == '__main__': ...", "g = 1", ["a.py:3", "`__name__`"]),
    "missing name": ("h = 1", "g = 1", ["main.py:2", "pkg/a.py has no `f`"]),
    "missing module": ("from pkg.c import d\nf = 1", "g = 1", ["a.py:2", "no module pkg.c"]),
    "syntax error": ("f = 1\nf = = 2", "g = 1", ["a.py:3", "not valid Python"]),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refuses_and_names_every_place(tmp_path: Path, name: str) -> None:
    a, b, said = REFUSALS[name]
    with pytest.raises(UserError) as caught:
        flat(tmp_path, main=TWO, a=f"{FUTURE}{a}\n", b=f"{FUTURE}{b}\n")
    assert [part for part in said if part not in str(caught.value)] == [], str(caught.value)


def test_refuses_mixed_future_imports_with_both_places(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"annotations` stands in pkg/main.py:1 and not in pkg/a.py:1"):
        flat(tmp_path, main=USES.format("a", "f") + MAIN.removeprefix(FUTURE), a="f = 1\n")


def test_refuses_a_package_whose_init_does_something(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"pkg/__init__.py: does more than a docstring"):
        flat(tmp_path, __init__="import os\n")


def test_refuses_an_entry_without_main(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"pkg/main.py: defines no `main`"):
        flat(tmp_path, main=FUTURE + "x = 1\n")


def test_reports_all_clashes_at_once(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        flat(tmp_path, main=TWO, a=FUTURE + "f = x = y = 1\n", b=FUTURE + "g = x = y = 1\n")
    assert [line.split()[0] for line in str(caught.value).splitlines()] == ["`x`", "`y`"]
