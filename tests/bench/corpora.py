"""The corpora of the benchmark: two real ones through the configured clients, two synthetic ones from a fixed seed."""

import os
import random
import subprocess
from collections.abc import Callable
from typing import Final

WHEELS: Final = [
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "polars",
    "matplotlib",
    "jupyterlab",
    "django",
    "fastapi",
    "boto3",
    "cryptography",
    "grpcio",
    "opencv-python-headless",
]
LARGE_WHEELS: Final = ["duckdb", "llvmlite", "numba", "ray", "onnxruntime"]
PACKAGES: Final = [
    "express",
    "react",
    "react-dom",
    "typescript",
    "eslint",
    "webpack",
    "webpack-cli",
    "vite",
    "vue",
    "jest",
    "mocha",
    "@babel/preset-env",
    "prettier",
    "lodash",
    "axios",
    "rxjs",
    "@types/node",
]
WORDS: Final = (
    b'alpha beta gamma delta config version "name": true false null import return def class async await const let function '
    b"module exports path file hash size mode entry"
).split()
MIB: Final = 1024 * 1024


def build(name: str, folder: str) -> None:
    """Make a corpus in ``folder`` unless something is there."""
    if os.path.isdir(folder) and os.listdir(folder):
        return
    os.makedirs(folder, exist_ok=True)
    BUILDERS[name](folder)


def wheels(folder: str) -> None:
    """Real wheels, some of them above 50 MB: hardly compressible."""
    fetch = ["pip", "download", "-q", "-d", folder, "--only-binary=:all:"]
    subprocess.run([*fetch, *WHEELS], check=True)
    subprocess.run([*fetch, "--no-deps", *LARGE_WHEELS], check=True)


def npm(folder: str) -> None:
    """An unpacked dependency tree: tens of thousands of small texts."""
    with open(os.path.join(folder, "package.json"), "w") as file:
        file.write('{"name":"x","version":"1.0.0","private":true}')
    flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--no-bin-links", "--loglevel=error"]
    subprocess.run(["npm", "install", *flags, *PACKAGES], cwd=folder, check=True)


def model(folder: str) -> None:
    """One file of 4 GiB: half random, half of two random bits in each byte less, in runs of 64 MiB."""
    source = random.Random(7)
    narrow = bytes(value & 0x3F for value in range(256))
    with open(os.path.join(folder, "model.safetensors"), "wb") as file:
        for run in range(64):
            for _ in range(64):
                content = source.randbytes(MIB)
                file.write(content.translate(narrow) if run // 4 % 2 else content)


def small(folder: str) -> None:
    """100,000 files of 4 KiB: every other one random, every other one text."""
    source = random.Random(3)
    for number in range(100_000):
        place = os.path.join(folder, f"d{number // 250:03d}")
        if number % 250 == 0:
            os.makedirs(place)
        text = b" ".join(source.choices(WORDS, k=900))[:4096].ljust(4096, b".")
        with open(os.path.join(place, f"f{number:06d}.dat"), "wb") as file:
            file.write(source.randbytes(4096) if number % 2 else text)


BUILDERS: Final[dict[str, Callable[[str], None]]] = {"wheels": wheels, "npm": npm, "model": model, "small": small}
