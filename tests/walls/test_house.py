"""Size, safety and style of the code itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import PACKAGE, ROOT

from sightline.tables import TASKS

MOST_LINES, MOST_LINES_OF_A_FUNCTION = 300, 60
OURS = sorted(PACKAGE.rglob("*.py"))
ALL = OURS + sorted((ROOT / "tests").rglob("*.py"))
UNSAFE_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle"}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__"}
TORCH_FILES = {"torch.load", "torch.save", "torch.jit.load", "torch.hub.load"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def unsafe(tree: ast.AST) -> list[str]:
    """What in a module could run code from a file."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in UNSAFE_MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in UNSAFE_MODULES:
            found.append(str(node.module))
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in UNSAFE_CALLS | TORCH_FILES:
                found.append(called)
            allow = [ast.unparse(k.value) for k in node.keywords if k.arg == "allow_pickle"]
            writes_objects = called.endswith(("np.load", "numpy.load", "np.save", "numpy.save")) and allow != ["False"]
            if allow not in ([], ["False"]) or writes_objects:
                found.append(f"{called} without allow_pickle=False")
    return found


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_no_file_is_longer_than_300_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_nothing_in_the_package_can_run_code_from_a_file(path: Path) -> None:
    assert unsafe(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "eval('1')",
        "torch.load(path)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.savez(path, allow_pickle=True)",
    ],
)
def test_the_search_for_unsafe_code_finds_it(code: str) -> None:
    assert len(unsafe(ast.parse(code))) == 1
    assert unsafe(ast.parse("network.eval(); np.load(path, allow_pickle=False)")) == []


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_no_function_is_longer_than_60_lines(path: Path) -> None:
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= MOST_LINES_OF_A_FUNCTION, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_what_is_public_says_what_it_does(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree) or path.name == "__init__.py", "the module has no docstring"
    pending: list[ast.AST] = [tree]
    while pending:
        for node in ast.iter_child_nodes(pending.pop()):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                if any(ast.unparse(one) == "overload" for one in node.decorator_list):
                    continue  # the function itself follows, and says it
                assert ast.get_docstring(node), f"{node.name} has no docstring"
                pending += [node] if isinstance(node, ast.ClassDef) else []


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_no_room_but_the_tasks_own_asks_which_task_it_is(path: Path) -> None:
    if "tasks" in path.relative_to(PACKAGE).parts:
        return
    for node in nodes(path):
        if isinstance(node, ast.Compare | ast.match_case):
            constants = {inner.value for inner in ast.walk(node) if isinstance(inner, ast.Constant)}
            assert not constants & set(TASKS), f"line {getattr(node, 'lineno', '?')} compares with the name of a task"


@pytest.mark.parametrize(
    "arguments",
    [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("pyright",)],
)
def test_the_linters_are_silent(arguments: tuple[str, ...]) -> None:
    tool = [sys.executable, "-m", arguments[0]]
    # pyright fetches its engine at the first start: without a network it cannot be asked.
    probe = subprocess.run([*tool, "--version"], cwd=ROOT, capture_output=True, text=True, check=False)
    if probe.returncode:
        pytest.skip(f"{arguments[0]} cannot be run here: {(probe.stderr or probe.stdout).strip()[-200:]}")
    more = ["--pythonpath", sys.executable] if arguments[0] == "pyright" else []
    done = subprocess.run([*tool, *arguments[1:], *more], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
