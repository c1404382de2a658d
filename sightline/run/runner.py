"""OnnxRunner: arrays in, arrays out, without torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime

from sightline.core.errors import SightlineError
from sightline.core.task import Arrays

_ERRORS_ONLY = 3
onnxruntime.disable_telemetry_events()  # where sightline/__init__.py came too late, and on Windows


class OnnxRunner:
    """Runs a graph on the CPU. Keys in and out are the graph's own names; the first axis is the batch."""

    def __init__(self, graph: bytes, threads: int = 0) -> None:
        """threads: 0 leaves the choice to onnxruntime. Raises SightlineError for what is no usable graph."""
        runtime: Any = onnxruntime  # it has no types
        settings = runtime.SessionOptions()
        settings.intra_op_num_threads = threads
        settings.log_severity_level = _ERRORS_ONLY
        # Threads that spin while they wait for work take the processor from the decoders.
        settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            # Without a second try, which is the same and announced on stdout.
            self._session: Any = runtime.InferenceSession(
                graph, settings, providers=["CPUExecutionProvider"], enable_fallback=0
            )
        except Exception as error:
            raise SightlineError(f"the model's graph cannot be loaded ({str(error)[:200]})") from None
        self.outputs: list[str] = [output.name for output in self._session.get_outputs()]
        """The names of what comes out, in the graph's order."""

    def __call__(self, inputs: Arrays) -> Arrays:
        """Raises SightlineError where names, dtypes or shapes do not fit the graph."""
        try:
            values = self._session.run(None, {name: np.ascontiguousarray(array) for name, array in inputs.items()})
        except Exception as error:
            raise SightlineError(f"the model cannot run on this input ({str(error)[:200]})") from None
        return dict(zip(self.outputs, values, strict=True))
