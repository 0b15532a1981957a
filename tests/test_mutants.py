"""The generator of mutants: what it changes, what it leaves alone, and what it says of
a module whose tests notice all mistakes but two.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mutants import chosen, mutants


def changes(source):
    """What becomes of what, without the lines."""
    return [str(mutant).split(": ", 1)[1] for mutant in mutants(source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", ["a < b → a <= b", "a < b → a > b"]),
        ("a in b", ["a in b → a not in b"]),
        ("not a", ["not a → a"]),
        ("a and b", ["a and b → a or b"]),
        ("a + b", ["a + b → a - b", "a + b → a", "a + b → b"]),
        ("a - b", ["a - b → a + b", "a - b → a"]),
        ("f = 3", ["3 → 4"]),
        ("f = 0.5", ["0.5 → 1.0"]),
        ("f = 1e-12", ["1e-12 → 0.0"]),
        ("f = 1e9", ["1000000000.0 → 1.0"]),
        ("f = True", ["True → False"]),
        ("max(a, b)", ["max(a, b) → pass", "max → min"]),
        ("y = x.clamp(min=a)", ["x.clamp(min=a) → x.clamp()", "min=a → max=a"]),
        ("y = x.detach()", ["x.detach() → x"]),
        ("y = x[a:]", ["a: → a + 1:"]),
        ("x = x[a]", ["x = x[a] → pass"]),
        ("y = a if b else c", ["a if b else c → c if b else a"]),
        ("y = [a for a in b if a]", ["[a for a in b if a] → [a for a in b]"]),
        ("y = Pair(a, b)", ["Pair(a, b) → Pair(b, a)"]),
        ("y = Pair(p=a, q=b)", ["Pair(p=a, q=b) → Pair(p=b, q=a)"]),
        ("def f():\n return a, b", ["return (a, b) → return (b, a)"]),
        ("raise Bad(f'{a + b}')", ["raise Bad(f'{a + b}') → pass"]),
    ],
)
def test_what_is_changed(source, expected):
    assert changes(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        '"""Words about 3 < 4."""',
        "x: tuple[3, 4]",
        "def f(x: 3) -> 4: ...",
        "@frozen(True)\nclass C: ...",
        "y = zip(a, b, strict=True)",
        "y = f'{a + b}'",
    ],
)
def test_what_is_left_alone(source):
    assert not [change for change in changes(source) if "zip" not in change]


def test_a_mutant_changes_the_code_once_and_not_the_next_mutant():
    answers = []
    for mutant in mutants("y = 2 * 3 + 4"):
        found = {}
        exec(mutant.code("a file"), found)
        answers.append(found["y"])
    assert answers == [2, 6, 4, 2 / 3 + 4, 6, 7, 3 * 3 + 4, 2 * 4 + 4, 2 * 3 + 5]


def test_the_choice_is_even_and_repeats():
    assert chosen(range(100), 10, 0) == chosen(range(100), 10, 0)
    assert chosen(range(100), 10, 0) != chosen(range(100), 10, 1)
    assert [i // 10 for i in chosen(range(100), 10, 0)] == list(range(10))
    assert chosen(range(3), 10, 0) == [0, 1, 2]


MODULE = '''
def clip(x, low, high):
    """Return x, or the end of the range that it lies beyond."""
    if low > high:
        raise ValueError("low: expected below high")
    return min(max(x, low), high)


def endless(n):
    while n > 0:
        n -= 1
    return n
'''
TESTS = """
import small

def test_clip():
    assert small.clip(5, 0, 3) == 3
    assert small.clip(-1, 0, 3) == 0

def test_endless():
    assert small.endless(3) == 0
"""


def run(folder, tests):
    """Run the script on the small module; without plugins, which take long to load."""
    (folder / "small.py").write_text(MODULE, encoding="utf-8")
    (folder / "test_small.py").write_text(tests, encoding="utf-8")
    script = Path(__file__).with_name("mutants.py")
    return subprocess.run(
        [sys.executable, script, "small.py", "test_small.py", "--limit", "1"],
        cwd=folder,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_survivors_are_named(tmp_path):
    done = run(tmp_path, TESTS)
    assert done.returncode == 1, done.stderr
    fates = done.stdout.splitlines()
    assert [line for line in fates if line.startswith("SURVIVED")] == [
        "SURVIVED small.py:4: low > high → low >= high",
        "SURVIVED small.py:5: raise ValueError('low: expected below high') → pass",
    ]
    assert "killed small.py:11: n -= 1 → pass" in fates  # it never ends
    assert (tmp_path / "small.py").read_text(encoding="utf-8") == MODULE


def test_tests_that_fail_anyway_are_refused(tmp_path):
    done = run(tmp_path, "def test_no(): assert 0")
    assert done.returncode == 2
    assert "test_small.py: fails without any change" in done.stdout
