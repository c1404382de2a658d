"""The rooms of the house: what each may import at module level."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import PACKAGE, ROOT

TRAINS = ("training", "planning", "finish", "repeat")
"""The files of the verb `train` that may import torch."""

GRADIENTS = ("weights", "gradcam", "integrated_gradients", "activations")
"""The files of `explain` that may import torch."""

LEARNING = {"numpy", "torch", "safetensors"}
ROOMS: list[tuple[str, set[str], set[str]]] = [
    # the first that fits counts: pattern, outside packages, rooms of our own
    ("__init__.py", set(), set()),
    ("__main__.py", set(), {"cli"}),
    ("tables.py", set(), {"core"}),
    ("cli.py", set(), {"core", "tables"}),
    ("client.py", set(), {"core"}),
    ("model.py", {"numpy"}, {"core", "data", "run", "verbs"}),
    ("core/*", {"numpy"}, {"core"}),
    ("data/**", {"numpy", "PIL"}, {"core", "data", "tables"}),
    ("track/*", {"numpy"}, {"core", "track"}),
    ("run/*", {"numpy", "onnxruntime"}, {"core", "run"}),
    ("tasks/*/learner.py", {"numpy", "torch"}, {"core", "tables", "tasks"}),
    ("tasks/*/networks/*", {"torch"}, {"core", "tasks"}),
    ("tasks/read/*", {"numpy", "rapidfuzz"}, {"core", "data", "tasks"}),
    ("tasks/*/standalone.py", {"numpy", "PIL"}, {"core", "data", "tasks"}),
    ("tasks/**", {"numpy"}, {"core", "data", "tasks"}),
    ("report/*", {"numpy", "PIL"}, {"core", "data", "report"}),
    ("compress/*", {"numpy", "onnxruntime"}, {"compress", "core", "run"}),
    ("export/*", {"numpy", "onnxruntime", "PIL"}, {"core", "data", "export", "run"}),
    (
        "serve/*",
        {"numpy", "fastapi", "starlette", "uvicorn"},
        {"core", "explain", "run", "serve", "tables", "verbs"},
    ),
    ("baseline/*", {"numpy"}, {"baseline", "core", "data"}),
    ("learn/*", LEARNING, {"core", "data", "learn", "run"}),
    *((f"explain/{name}.py", LEARNING, {"core", "explain", "learn", "run"}) for name in GRADIENTS),
    ("explain/*", {"numpy", "PIL"}, {"core", "data", "explain", "run", "tables"}),
    *(
        (f"verbs/{name}.py", LEARNING, {"core", "data", "explain", "learn", "report", "run", "tables", "verbs"})
        for name in TRAINS
    ),
    (
        "verbs/*",
        {"numpy"},
        {
            "baseline",
            "compress",
            "core",
            "data",
            "explain",
            "export",
            "report",
            "run",
            "tables",
            "track",
            "verbs",
            "learn.machine",
        },
    ),
]
FILES = sorted(PACKAGE.rglob("*.py"))
TORCH = {"torch", "safetensors", "onnx", "onnxscript", "timm", "torchvision"}


def module_level(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports that run when the module is imported: not those in functions or under TYPE_CHECKING."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            yield from (inner for other in node.orelse for inner in module_level(ast.Module([other], [])))
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from module_level(node)


def imported(path: Path) -> set[str]:
    """The full names of the modules imported at module level."""
    found: set[str] = set()
    for node in module_level(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        else:
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room_of(path: Path) -> tuple[str, set[str], set[str]]:
    relative = path.relative_to(PACKAGE)
    return next(room for room in ROOMS if _fits(relative, room[0]))


def _fits(path: Path, pattern: str) -> bool:
    if pattern.endswith("/**"):
        return str(path).startswith(pattern[:-2])
    return len(path.parts) == pattern.count("/") + 1 and path.match(pattern)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_no_more_than_its_room_may(path: Path) -> None:
    pattern, packages, rooms = room_of(path)
    for name in imported(path):
        top, _, rest = name.partition(".")
        if top == "sightline":
            allowed = rest == "" or any(rest == room or rest.startswith(room + ".") for room in rooms)
        else:
            allowed = top in sys.stdlib_module_names or top in packages
        assert allowed, f"{path.relative_to(ROOT)} imports {name}, which {pattern} may not"


def test_no_torch_is_reached_from_what_predicts() -> None:
    """Following module-level imports from the verbs other than train never arrives at torch."""
    modules = {".".join(("sightline", *path.relative_to(PACKAGE).with_suffix("").parts)): path for path in FILES}
    modules = {name.removesuffix(".__init__"): path for name, path in modules.items()}
    trains = {f"sightline.verbs.{name}" for name in TRAINS}
    roots = [name for name in modules if name.startswith("sightline.verbs.") and name not in trains]
    seen, pending = set(roots), [*roots, "sightline.cli", "sightline.model"]
    assert len(roots) >= 6
    while pending:
        for name in imported(modules[pending.pop()]):
            assert name.split(".")[0] not in TORCH, f"{name} is reached by a verb that must do without torch"
            for known in (name, name.rpartition(".")[0]):
                if known in modules and known not in seen:
                    seen.add(known)
                    pending.append(known)
    assert "sightline.run.runner" in seen and "sightline.tasks.classify.task" not in seen


def test_the_reader_of_imports_sees_what_counts_and_nothing_else() -> None:
    code = (
        "from typing import TYPE_CHECKING\nimport torch\nif TYPE_CHECKING:\n    import hidden\nelse:\n    import seen\n"
        "try:\n    import tried\nexcept ImportError:\n    pass\nclass A:\n    import inside\n    def f(self):\n"
        "        import later\n"
    )
    nodes = list(module_level(ast.parse(code)))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    assert names == {"torch", "seen", "tried", "inside"}
