"""A walk of ours sees what `ast.walk` sees, and what was found once about a node is not looked for again."""

from __future__ import annotations

import ast
import gc
import weakref
from pathlib import Path

import pytest

from runner.review.nodes import children, nodes_of, remembered, walk

EVERYTHING = '''
@first
async def many(a, /, b=1, *c, d: int = 2, **e) -> "str":
    """Says nothing."""
    async with a as b, c: yield [x async for x in b if x]
    match a:
        case {"k": [1, *rest], **more} | None: del a[1:2, ...]
        case Point(x=0) if not (lambda q: q)(1): return f"{a!r:>{b}} {c}"
try:
    global z; z: int = -1 if 1 < 2 <= 3 else {**{}, 1: {2}}
except* (A, B) as error:
    raise error from None
else:
    while (y := await_) and True: break
finally:
    from .x import y as w
'''


@pytest.mark.parametrize("path", [Path(__file__), Path(ast.__file__)], ids=["this file", "the library's"])
def test_a_walk_of_a_file_is_that_of_the_library(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert list(walk(tree)) == list(ast.walk(tree))
    assert [tree, *nodes_of(tree)] == list(ast.walk(tree))


def test_every_kind_of_node_gives_its_children_in_order() -> None:
    tree = ast.parse(EVERYTHING)
    for node in ast.walk(tree):
        assert children(node) == list(ast.iter_child_nodes(node))


def test_a_question_is_asked_once_and_forgotten_with_its_node() -> None:
    asked = []

    @remembered
    def name_of(node: ast.AST) -> str:
        asked.append(type(node).__name__)
        return type(node).__name__

    tree = ast.parse("a = 1")
    assert [name_of(tree), name_of(tree.body[0]), name_of(tree)] == ["Module", "Assign", "Module"]
    assert asked == ["Module", "Assign"]
    assert nodes_of(tree) is nodes_of(tree)
    gone = weakref.ref(tree)
    del tree
    gc.collect()
    assert gone() is None
