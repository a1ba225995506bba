"""Networks of every task that become C compute there what they compute here."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import gruta
from gruta.codec.classes import ClassCodec
from gruta.errors import InputError
from gruta.exchange.c import build
from gruta.exchange.c.clock import clock_of
from gruta.exchange.c.program import name_of
from gruta.exchange.c.source import filled
from gruta.exchange.c.write import program
from gruta.runtime import file
from gruta.settings import resolve
from gruta.tasks import registry
from gruta.tasks.classify.conftest import waves, words
from gruta.tasks.conftest import tones
from gruta.tasks.exporting import contents_of
from gruta.tasks.fitting import fit
from gruta.tasks.forecast.conftest import hourly
from gruta.tasks.generate.conftest import rhyme
from gruta.tasks.test_streams import two_shops
from gruta.tasks.transcribe.conftest import archive

SHORT = {"hidden": 5, "steps": 2, "batch_size": 8, "validate_every": 2, "checkpoint_every": 2}
SERIES = {"horizon": 4, "lookback": 12}
ROOM = Path(gruta.__file__).parent
BOARD = Path(__file__).with_name("cortex")


def gaps():
    table = waves()
    rows = np.arange(len(table)) % 17 != 3
    return table.with_columns(b=np.where(rows, table["b"], np.nan))


def by_series():
    return two_shops().with_columns(size=np.repeat([3.5, 8.0], len(two_shops()) // 2))


CASES = {
    "classify attention": ("classify", gaps, {"pooling": "attention", "bidirectional": False}),
    "classify largest": (
        "classify",
        waves,
        {"pooling": "mean+max", "bidirectional": False, "cell": "lstm", "layers": 2},
    ),
    "generate characters": ("generate", rhyme, {"embedding": 4, "tbptt": 16, "cell": "lstm"}),
    "generate bytes": (
        "generate",
        rhyme,
        {"embedding": 4, "tbptt": 16, "units": "bytes", "ngram": False, "tied": False},
    ),
    "forecast many": (
        "forecast",
        by_series,
        SERIES
        | {"series": "shop", "known": ("plan", "door"), "past": ("wind",), "static": ("size",)}
        | {"gaps": "mask", "embedding": "3"},
    ),
    "forecast differences": (
        "forecast",
        hourly,
        SERIES | {"transform": "log+seasonal", "cell": "lstm", "past": ("wind",)},
    ),
    "forecast blocks": (
        "forecast",
        hourly,
        SERIES | {"strategy": "recursive", "block": 3, "transform": "boxcox", "known": ("plan",)},
    ),
    "transcribe features": (
        "transcribe",
        archive,
        {"direction": "forward", "filters": 2, "layers": 2, "stride": 4, "front": "maps"},
    ),
    "transcribe sounds": (
        "transcribe",
        tones,
        {"direction": "forward", "filters": 2, "layers": 1, "rate": 2000, "bands": 12},
    ),
}
INTEGERS = ("classify largest", "generate bytes", "forecast many", "transcribe features")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """By case a network that has learned next to nothing, with weights that tell."""
    found = {}
    for name, (task, data, own) in CASES.items():
        place, content = tmp_path_factory.mktemp("case"), data()
        kind = {bytes: "npz", str: "txt"}.get(type(content), "csv")
        source = place / f"data.{kind}"
        if isinstance(content, str | bytes):
            source.write_bytes(content.encode() if isinstance(content, str) else content)
        else:
            content.write_csv(source)
        task = registry.task(task)
        found[name] = fit(task, source, resolve(task.settings, SHORT | own), place / "run").trained
        rng = np.random.default_rng(0)
        for key, weights in found[name].weights.items():
            if not key.rpartition("/")[2].startswith(("linear.", "scale_")):
                weights[:] = rng.normal(size=weights.shape) * 0.4
    return found


def opened(trained, weights="float32"):
    """What a model file of it holds, and its model."""
    contents = file.parse(contents_of(trained, weights).to_bytes())
    return contents, gruta.tasks.models.model_of(contents.widened())


@pytest.fixture(scope="module")
def programs(trained, tmp_path_factory):
    """Of each case the folder of its C, with the runtime's answers; some with weights in int8."""
    found = {}
    for name, one in trained.items():
        made = program(*opened(one, "int8" if name in INTEGERS else "float32"), "net")
        found[name] = tmp_path_factory.mktemp("c")
        for own, text in made.files().items():
            (found[name] / own).write_text(text)
    return found


def compiled(place, command, output="test"):
    """Of a program its test, of which no compiler complains."""
    sources = [one.name for one in place.glob("*.c")]
    command = [*command, *build.WARNINGS, *sources, "-lm", "-o", output]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    assert (done.returncode, re.sub(r".*RWX.*\n?", "", done.stderr)) == (0, "")
    return f"./{output}"


def error_of(place, *command):
    done = subprocess.run(
        command, cwd=place, capture_output=True, text=True, timeout=60, check=False
    )
    found = re.match(r"largest error (\S+), allowed 1.0e-05\n", done.stdout)
    assert found, done.stdout + done.stderr
    assert done.returncode == int(float(found[1]) > 1e-5), done.stderr
    return float(found[1])


def needs(*names):
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")


@pytest.mark.parametrize("case", CASES)
def test_it_computes_what_the_runtime_does_and_touches_no_other_memory(programs, case):
    needs("gcc")
    command = ["gcc", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    assert error_of(programs[case], compiled(programs[case], command)) <= 1e-5


@pytest.mark.parametrize("case", CASES)
def test_clang_has_nothing_to_say_either(programs, case):
    needs("clang")
    assert error_of(programs[case], compiled(programs[case], ["clang", "-O0"], "clang")) <= 1e-5


@pytest.mark.parametrize("case", CASES)
def test_it_computes_the_same_on_64_bit_arm(programs, case):
    needs("aarch64-linux-gnu-gcc", "qemu-aarch64")
    made = compiled(programs[case], ["aarch64-linux-gnu-gcc", "-O1", "-static"], "arm64")
    assert error_of(programs[case], "qemu-aarch64", made) <= 1e-5


@pytest.mark.parametrize("case", CASES)
def test_it_computes_the_same_on_a_cortex_m(programs, case):
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    cpu = ["-mcpu=cortex-m3", "-mthumb", "-O1", "--specs=rdimon.specs"]
    shutil.copy(BOARD / "vectors.c", programs[case])
    command = ["arm-none-eabi-gcc", *cpu, "-T", str(BOARD / "mps2.ld")]
    made = compiled(programs[case], command, "cortex")
    (programs[case] / "vectors.c").unlink()
    machine = ["qemu-system-arm", "-M", "mps2-an385", "-nographic", "-monitor", "none"]
    machine += ["-serial", "none", "-semihosting-config", "enable=on,target=native", "-kernel"]
    assert error_of(programs[case], *machine, made) <= 1e-5


@pytest.mark.parametrize("case", ["classify largest", "forecast differences"])
def test_its_test_finds_a_weight_that_is_wrong(programs, case, tmp_path):
    needs("gcc")
    shutil.copytree(programs[case], tmp_path / "net")
    source = tmp_path / "net" / "net.c"
    text = source.read_text()
    first = re.search(r"static const float \w+_recurrent_bias\[\d+\] = \{\n    ([^,]+),", text)
    source.write_text(text[: first.start(1)] + "0.5f" + text[first.end(1) :])
    assert error_of(tmp_path / "net", compiled(tmp_path / "net", ["gcc"])) > 1e-5


def test_its_cmake_file_builds_a_library_and_runs_the_test(programs, tmp_path):
    places = [str(Path(sys.executable).parent), os.environ["PATH"]]
    cmake = shutil.which("cmake", path=os.pathsep.join(places))
    ctest = shutil.which("ctest", path=os.pathsep.join(places))
    if cmake is None or ctest is None or not build.compilers():
        pytest.skip("cmake or a C compiler not installed")
    flags = f"-DCMAKE_C_FLAGS={' '.join(build.WARNINGS[1:])}"
    for command in (
        [cmake, "-S", str(programs["classify largest"]), "-B", str(tmp_path), flags],
        [cmake, "--build", str(tmp_path)],
        [ctest, "--test-dir", str(tmp_path), "--output-on-failure"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "libnet.a").is_file()
    assert "100% tests passed" in done.stdout


@pytest.mark.parametrize("case", CASES)
def test_its_files_are_well_kept(programs, case):
    style = ROOM.parents[1] / ".clang-format"
    if shutil.which("clang-format") is None or not style.is_file():
        pytest.skip("clang-format not installed")
    sources = [*programs[case].glob("*.[ch]")]
    command = ["clang-format", f"--style=file:{style}", "--dry-run", "-Werror", *sources]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_state_is_as_large_as_its_header_says(programs, tmp_path):
    needs("gcc")
    for place in programs.values():
        size = build.state_of((place / "net.h").read_text())
        told = f'#include "{place}/net.h"\n_Static_assert(sizeof(net_state) == {size}, "size");\n'
        (tmp_path / "size.c").write_text(told)
        subprocess.run(["gcc", "-std=c11", "-fsyntax-only", tmp_path / "size.c"], check=True)


MOMENTS = np.datetime64("1949-12-20T07:00", "us") + np.arange(0, 400 * 366, 37).astype("m8[D]")


@pytest.mark.parametrize("step", ["1w", "1d", "1h", "15min", "2s", "business day", "3 months"])
def test_stamps_tell_in_c_what_they_tell_here(step, tmp_path):
    needs("gcc")
    from gruta.codec.series.calendar import calendar
    from gruta.codec.series.infer import parse

    frequency = parse(step)
    clock = clock_of(frequency)
    begin = MOMENTS[np.isin((MOMENTS.astype("M8[D]").astype(int) + 3) % 7, range(5))]
    next_ones = frequency.shift(begin, 1)
    rows, width = calendar([begin], frequency), calendar([begin[:1]], frequency).shape[1]
    expected = rows.take(np.arange(len(begin)))
    values = {"name": "net", **clock.values}
    code = filled("calendar.c", values, clock.flags | {"clock", "calendar"})
    at = [clock.at(one) for one in begin], [clock.at(one) for one in next_ones]
    day = "weekday(at[i])" if "weekday" in clock.flags else "0"
    (tmp_path / "t.c").write_text(
        "#include <math.h>\n#include <stdbool.h>\n#include <stdint.h>\n#include <stdio.h>\n"
        "typedef struct { int64_t edge; uint16_t phase[1]; uint8_t day[1]; } net_state;\n"
        f"{code}static const int64_t at[] = {{{', '.join(at[0])}}};\n"
        "int main(void) {\n    net_state s;\n"
        f"    for (int i = 0; i < {len(begin)}; i++) {{\n        float f[{width}];\n"
        f"        s.edge = at[i];\n        note(&s, 0);\n"
        f"        if (calendar(s.phase[0], {day}, f) != f + {width}) return 1;\n"
        '        printf("%lld", (long long)s.edge);\n'
        f'        for (int k = 0; k < {width}; k++) printf(" %.7g", (double)f[k]);\n'
        '        printf("\\n");\n    }\n    return 0;\n}\n'
    )
    made = compiled(tmp_path, ["gcc"])
    done = subprocess.run([made], cwd=tmp_path, capture_output=True, text=True, check=True)
    found = np.array([line.split() for line in done.stdout.splitlines()], np.float64)
    following = [int(one.removeprefix("INT64_C(")[:-1]) for one in at[1]]
    np.testing.assert_array_equal(found[:, 0], following)
    np.testing.assert_allclose(found[:, 1:], expected, atol=2e-6)


def refusals(trained):
    """Of networks that cannot be asked step by step in C, what is said of them."""
    contents, model = opened(trained["forecast many"])
    codec = model.codec
    yield "several networks", contents, model, replace(codec, members=(codec,)), {}
    holidays = replace(codec.encoding, holidays=object())
    yield "C has no tables of them", contents, model, replace(codec, encoding=holidays), {}
    treated = replace(codec.encoding.outliers, policy="mask")
    masked = replace(codec.encoding, outliers=treated)
    yield "treats outliers .mask.", contents, model, replace(codec, encoding=masked), {}
    contents, model = opened(trained["generate characters"])
    units = replace(model.codec, kind="words")
    yield "words are told apart by Unicode's tables", contents, model, units, {}
    contents, model = opened(trained["classify largest"])
    yield "waits for the end of a case", contents, model, model.codec, {"bidirectional": True}
    texts = gruta.codec.text.vocabulary.Vocabulary.fit(words()["text"][:4], "characters", False, 1)
    of_texts: ClassCodec = replace(model.codec, reader=texts)
    yield "texts are classified as a whole", contents, model, of_texts, {}
    contents, model = opened(trained["transcribe features"])
    yield "train with direction forward", contents, model, model.codec, {"direction": "both"}


def test_what_cannot_be_asked_step_by_step_is_refused_by_name(trained):
    for message, contents, model, codec, changed in refusals(trained):
        model.codec, model.settings = codec, replace(model.settings, **changed)
        with pytest.raises(InputError, match=f"{contents.task} cannot be written in C.*{message}"):
            program(contents, model, "net")
    for task in ("translate", "caption"):
        with pytest.raises(InputError, match=f"the task {task} cannot be written in C"):
            program(replace(contents, task=task), model, "net")
    with pytest.raises(InputError, match="expected one of float32, int8 in C, got 'float16'"):
        program(replace(contents, weights="float16"), model, "net")
    for name in ("9a", "a-b", "int", "a" * 41, ""):
        with pytest.raises(InputError, match="expected a name in C"):
            program(contents, model, name)
    assert [name_of(one) for one in ("Net 1.5", "9", "int", "ã")] == [
        "net_1_5",
        "model_9",
        "model_int",
        "model",
    ]


def test_the_command_writes_a_folder_and_tells_sizes(trained, run_gruta, tmp_path):
    run = Path(trained["classify largest"].source).parent / "run"
    out = tmp_path / "out"
    done = run_gruta("export", run, out, "--to", "c", "--name", "demand")
    assert (done.code, done.err) == (0, "")
    names = ["CMakeLists.txt", "demand.c", "demand.h", "demand_vector.h", "test_main.c"]
    assert sorted(one.name for one in out.iterdir()) == names
    if build.compilers():
        assert re.search(
            f"^{os.uname().machine}: [0-9,]+ bytes of code and constants", done.out, re.M
        )
        assert "largest error" in done.out
    told = json.loads(run_gruta("export", run, out, "--to", "c", "--json").out)
    assert told["name"] == "out"
    assert told["bytes_of_state"] == build.state_of((out / "out.h").read_text())
    for given, message in [
        (["--to", "c", "--weights", "bfloat16"], "--weights: expected one of float32, int8 in C"),
        (["--to", "c", "--name", "1"], "--name: expected a name in C"),
        (["--name", "net"], "--name: says nothing of gruta; leave it out"),
    ]:
        done = run_gruta("export", run, tmp_path / "none", *given)
        assert (done.code, done.out) == (2, "")
        assert message in done.err
    (tmp_path / "taken").write_text("")
    done = run_gruta("export", run, tmp_path / "taken", "--to", "c")
    assert "taken: expected a folder, or a place for one" in done.err
    assert not (tmp_path / "none").exists()
