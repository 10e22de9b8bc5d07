"""What a worker and the profiling of a model import: the standard library, msgspec and the frozen copy of our code, no more."""

import importlib.util
import os
import subprocess
import sys
import venv

from tidegate.core.vocabulary import home
from tidegate.dataplane.targets import frozen

LOADED = """
import sys
import tidegate.dataplane.worker.__main__, tidegate.dataplane.wire.frames, tidegate.dataplane.models.model
import tidegate.delivery.registry.__main__
print(sorted({name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)))
"""


def test_worker_models_wire_and_profiling_import_in_a_virtual_environment_of_msgspec_alone(tmp_path):
    venv.create(tmp_path / "bare", with_pip=False)
    python = tmp_path / "bare" / "bin" / "python"
    install = ["-m", "uv", "pip"] if importlib.util.find_spec("uv") else ["-m", "pip", "--python", str(python)]
    target = ["--python", str(python)] if "uv" in install else []
    subprocess.run([sys.executable, *install, "install", "-q", *target, "msgspec>=0.20,<1"], check=True, timeout=120)
    place = home.Home(tmp_path / "home")
    place.prepare()
    copy = frozen.copy(place)
    assert frozen.copy(place) == copy
    assert not (copy / "tidegate" / "interface").exists()
    bare = {**os.environ, "PYTHONPATH": str(copy)}
    seen = subprocess.run([python, "-c", LOADED], env=bare, capture_output=True, text=True, timeout=60, check=False)
    assert seen.returncode == 0, seen.stderr
    assert set(eval(seen.stdout)) - {"__main__"} == {"msgspec", "tidegate"}
