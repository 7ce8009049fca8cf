"""fp32 decoder -> int8 decoder, calibrated on latents of real frames."""

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper
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
    graph = onnx.load(str(target))
    copy_rather_than_resize(graph.graph)
    onnx.save(graph, str(target))


def tail_nodes(source: Path) -> list[str]:
    """What comes after the painting convolution: sums of whole pictures, which 8 bits would spoil."""
    graph = onnx.load(str(source)).graph
    convolutions = [k for k, node in enumerate(graph.node) if node.op_type == "Conv"]
    return [node.name for node in graph.node[convolutions[-1] + 1 :]]


def copy_rather_than_resize(graph: onnx.GraphProto) -> None:
    """Twice as many rows and columns by copying them: the runtime's Resize takes many times as long for bytes that lie channels
    last, as 8-bit convolutions leave them. Nothing of the result changes."""
    makers = {name: node for node in graph.node for name in node.output}
    users = {name: node for node in graph.node for name in node.input}
    shapes = {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim] for value in graph.value_info}
    copies: dict[str, list[onnx.NodeProto]] = {}
    unneeded = []
    for resize in [node for node in graph.node if node.op_type == "Resize"]:
        # bytes -> Dequantize -> Resize -> Quantize -> Dequantize: scale and zero are the same before and after.
        opened = makers[resize.input[0]]
        closed = users[resize.output[0]]
        after = users[closed.output[0]]
        doubled = f"{resize.name}_doubled"
        copies[resize.name] = _doubling(graph, opened.input[0], doubled, shapes[resize.output[0]][2:])
        after.input[:] = [doubled, *opened.input[1:]]
        unneeded += [opened.name, closed.name]
    nodes = [made for node in graph.node if node.name not in unneeded for made in copies.get(node.name, [node])]
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    needed = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(needed)


def _doubling(graph: onnx.GraphProto, given: str, doubled: str, size: list[int]) -> list[onnx.NodeProto]:
    """Nodes from bytes `given` [n, c, h, w] to `doubled` [n, c, *size]."""
    for length in size:
        name = f"twice_{length // 2}"
        if all(tensor.name != name for tensor in graph.initializer):
            twice = np.repeat(np.arange(length // 2, dtype=np.int64), 2)
            graph.initializer.append(numpy_helper.from_array(twice, name))
    rows, columns = (f"twice_{length // 2}" for length in size)
    steps = [
        ("Transpose", [], {"perm": [0, 2, 3, 1]}),
        ("Gather", [columns], {"axis": 2}),
        ("Gather", [rows], {"axis": 1}),
        ("Transpose", [], {"perm": [0, 3, 1, 2]}),
    ]
    names = [given, *(f"{doubled}.{k}" for k in range(3)), doubled]
    return [
        helper.make_node(kind, [names[k], *others], [names[k + 1]], name=names[k + 1], **attributes)
        for k, (kind, others, attributes) in enumerate(steps)
    ]
