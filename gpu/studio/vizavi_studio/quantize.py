"""fp32 decoder -> int8 decoder, calibrated on latents of real frames."""

from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

PERCENTILE = 99.995
"""Share of a tensor's values that keep their place; the rare ones beyond are cut off, and all others get finer steps."""


class _Latents(CalibrationDataReader):
    def __init__(self, latents: np.ndarray):
        self.rows = iter(latents[:, None])

    def get_next(self):
        row = next(self.rows, None)
        return None if row is None else {"latents": row}


def quantize(source: Path, target: Path, latents: np.ndarray, float_nodes: list[str]) -> None:
    """`latents` f32 [n, 16, 8, 8]; `float_nodes` stay as they are.

    Weights have 7 bits (`reduce_range`): CPUs without VNNI would saturate at 8.
    """
    prepared = source.with_suffix(".prepared.onnx")
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    quantize_static(
        str(prepared),
        str(target),
        _Latents(latents),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
        op_types_to_quantize=["Conv", "Relu", "Add", "Resize"],
        nodes_to_exclude=float_nodes,
        calibrate_method=CalibrationMethod.Percentile,
        extra_options={"CalibPercentile": PERCENTILE},
    )
    prepared.unlink()


def tail_nodes(source: Path) -> list[str]:
    """What comes after the painting convolution: sums of whole pictures, which 8 bits would spoil."""
    graph = onnx.load(str(source)).graph
    convolutions = [k for k, node in enumerate(graph.node) if node.op_type == "Conv"]
    return [node.name for node in graph.node[convolutions[-1] + 1 :]]
