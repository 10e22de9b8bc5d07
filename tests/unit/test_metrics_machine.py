"""What the machine tells; of GPUs by a library that answers as NVIDIA's does, since there is none here."""

import sys
import types

import pytest

from tidegate.observability.metrics import machine


def library(**broken: Exception) -> types.ModuleType:
    made = types.ModuleType("pynvml")

    def answers(name: str, told: object) -> None:
        def call(*_: object) -> object:
            if name in broken:
                raise broken[name]
            return told

        setattr(made, name, call)

    answers("nvmlInit", None)
    answers("nvmlDeviceGetCount", 2)
    answers("nvmlDeviceGetHandleByIndex", object())
    answers("nvmlDeviceGetUtilizationRates", types.SimpleNamespace(gpu=37, memory=5))
    answers("nvmlDeviceGetMemoryInfo", types.SimpleNamespace(total=8 << 30, used=3 << 30, free=5 << 30))
    return made


def test_gpus_are_told_by_number_as_their_driver_tells_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", library())
    assert machine.gpus() == [machine.Gpu("0", 0.37, 3 << 30), machine.Gpu("1", 0.37, 3 << 30)]


@pytest.mark.parametrize("name", ["nvmlInit", "nvmlDeviceGetUtilizationRates"])
def test_a_driver_that_fails_is_a_machine_without_gpus(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", library(**{name: RuntimeError("Driver Not Loaded")}))
    assert machine.gpus() == []


def test_without_the_library_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert machine.gpus() == []
