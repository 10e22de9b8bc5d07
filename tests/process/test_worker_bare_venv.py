"""What a worker imports needs nothing but the standard library and msgspec."""

import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import venv

import tidegate

LOADED = """
import sys
import tidegate.dataplane.worker.__main__, tidegate.dataplane.wire.frames, tidegate.dataplane.models.model
print(sorted({name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)))
"""


def test_worker_models_and_wire_import_in_a_virtual_environment_of_msgspec_alone(tmp_path):
    venv.create(tmp_path / "bare", with_pip=False)
    python = tmp_path / "bare" / "bin" / "python"
    install = ["-m", "uv", "pip"] if importlib.util.find_spec("uv") else ["-m", "pip", "--python", str(python)]
    target = ["--python", str(python)] if "uv" in install else []
    subprocess.run([sys.executable, *install, "install", "-q", *target, "msgspec>=0.20,<1"], check=True, timeout=120)
    source = pathlib.Path(tidegate.__file__).parent
    shutil.copytree(source, tmp_path / "copy" / "tidegate", ignore=shutil.ignore_patterns("__pycache__"))
    bare = {**os.environ, "PYTHONPATH": str(tmp_path / "copy")}
    seen = subprocess.run([python, "-c", LOADED], env=bare, capture_output=True, text=True, timeout=60, check=False)
    assert seen.returncode == 0, seen.stderr
    assert set(eval(seen.stdout)) - {"__main__"} == {"msgspec", "tidegate"}
