"""The kernels by `check_kernels`, a program without Python, as compilers and CPUs differ."""

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
QUICKLY_BUILT = "-Og"  # in half the time of -O1; test_kernels.py tests what is shipped
ON_X86 = platform.machine().lower() in ("x86_64", "amd64")

pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not (ROOT / "CMakeLists.txt").exists(), reason="no sources to compile"),
]
on_x86 = pytest.mark.skipif(not ON_X86, reason="qemu-x86_64 is used on x86-64 alone")


KNOWN = ["avx2", "avxvnni", "avx512", "avx512vnni", "avx512amx"]


def tool(name):
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    found = shutil.which(name, path=places)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(*command, **environment):
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("GRUTA_")}
    return subprocess.run(
        command, env={**inherited, **environment}, capture_output=True, text=True, check=False
    )


def succeed(*command, **environment):
    done = run(*command, **environment)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def built(name, **settings):
    """The program, compiled into a folder that is kept, so that a second time costs nothing."""
    cmake, folder = tool("cmake"), ROOT / "build" / f"checks-{name}"
    settings |= {"CMAKE_MAKE_PROGRAM": tool("ninja"), "GRUTA_WERROR": "ON"}
    settings |= {"GRUTA_PYTHON": "OFF", "GRUTA_CHECKS": "ON"}
    given = [f"-D{key}={value}" for key, value in settings.items()]
    succeed(cmake, "-S", ROOT, "-B", folder, "-G", "Ninja", *given)
    succeed(cmake, "--build", folder)
    return folder / "check_kernels"


def by_gcc(name, isas="", **settings):
    settings |= {"CMAKE_CXX_COMPILER": tool("g++"), "CMAKE_CXX_FLAGS_RELEASE": QUICKLY_BUILT}
    return built(name, GRUTA_ISAS=isas, **settings)


def without_aslr():
    """What to put before a program of ThreadSanitizer's, which wants its addresses in one place."""
    setarch = shutil.which("setarch")
    return [setarch, "-R"] if setarch and run(setarch, "-R", "true").returncode == 0 else []


def emulated(cpu):
    qemu = tool("qemu-x86_64")
    version = re.search(r"version (\d+)\.(\d+)", succeed(qemu, "--version"))
    if tuple(map(int, version.groups())) < (7, 2):
        pytest.skip("qemu-x86_64 knows AVX2 from version 7.2 on")
    return qemu, "-cpu", cpu


def test_kernels_keep_to_their_memory_and_to_what_the_language_defines():
    program = by_gcc("addresses", "avx2", GRUTA_SANITIZE="address,undefined")
    succeed(program, "--quick")
    succeed(
        program, "--quick", "layers", "rows", "storage", "integers", "matrix", GRUTA_ISA="baseline"
    )


def test_threads_do_not_race():
    program = by_gcc("races", "none", GRUTA_SANITIZE="thread")
    succeed(*without_aslr(), program, "--quick", "threads", "packs")


def test_clang_compiles_the_kernels_right_and_without_a_warning():
    succeed(built("clang", CMAKE_CXX_COMPILER=tool("clang++"), GRUTA_ISAS="avx2"), "--quick")


@pytest.mark.parametrize("isa", ["baseline", *KNOWN])
def test_every_instruction_set_of_this_cpu_is_right(isa):
    # Those with VNNI are the ones before but for sums of whole numbers, the one with AMX is that
    # with VNNI but for products in bfloat16.
    parts = ["integers"] if "vnni" in isa else ["matrix", "storage"] if "amx" in isa else []
    done = run(by_gcc("gcc"), "--quick", *parts, GRUTA_ISA=isa)
    if "GRUTA_ISA must be one of" in done.stderr:
        pytest.skip(f"this CPU has no {isa}")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert done.stdout.startswith(f"kernels for {isa}\n")


@on_x86
@pytest.mark.parametrize(("cpu", "isa"), [("Nehalem", "baseline"), ("Haswell", "avx2")])
def test_a_cpu_gets_the_widest_kernels_that_it_can_run(cpu, isa):
    parts = ["layers", "rows", "storage", "integers", "matrix", "sizes", "threads"]
    found = succeed(*emulated(cpu), by_gcc("gcc"), "--quick", *parts)
    assert found.startswith(f"kernels for {isa}\n")


@on_x86
def test_a_cpu_is_not_given_what_it_cannot_run():
    program = by_gcc("gcc")
    found = succeed(*emulated("Haswell"), program, "sizes", GRUTA_ISA="baseline")
    assert found.startswith("kernels for baseline\n")
    refused = run(*emulated("Nehalem"), program, "sizes", GRUTA_ISA="avx2")
    assert refused.returncode == 1
    assert "that this CPU has (baseline), got 'avx2'" in refused.stderr


def test_kernels_are_right_on_64_bit_arm():
    tool("aarch64-linux-gnu-g++")
    system = "/usr/aarch64-linux-gnu"
    program = built(
        "aarch64",
        CMAKE_TOOLCHAIN_FILE=ROOT / "cmake" / "aarch64-linux-gnu.cmake",
        CMAKE_CXX_FLAGS_RELEASE=QUICKLY_BUILT,
    )
    parts = ["layers", "rows", "storage", "integers", "matrix", "sizes", "threads"]
    succeed(tool("qemu-aarch64"), "-L", system, program, "--quick", *parts)


@on_x86
@pytest.mark.parametrize(
    ("asked", "found"),
    [("", " ".join(KNOWN)), ("none", ""), ("avx2;avx512", "avx2 avx512")],
)
def test_a_build_tree_has_the_sets_asked_for_and_else_all_that_are_known(asked, found, tmp_path):
    assert configured(tmp_path, f"-DGRUTA_ISAS={asked}") == found.split()
    assert configured(tmp_path) == found.split()  # again, as an editable install does


@on_x86
def test_a_build_tree_from_before_a_set_was_known_gets_it(tmp_path):
    kept = "//Instruction sets beside the baseline, on x86-64\nGRUTA_ISAS:STRING=avx2;avx512\n"
    (tmp_path / "CMakeCache.txt").write_text(kept)
    assert configured(tmp_path) == KNOWN


def configured(folder, *given):
    """The instruction sets of a build that is only planned."""
    settings = ["-DGRUTA_PYTHON=OFF", f"-DCMAKE_MAKE_PROGRAM={tool('ninja')}", *given]
    succeed(tool("cmake"), "-S", ROOT, "-B", folder, "-G", "Ninja", *settings)
    plan = (folder / "build.ninja").read_text()
    return [isa for isa in KNOWN if f"gruta_{isa}.dir" in plan]
