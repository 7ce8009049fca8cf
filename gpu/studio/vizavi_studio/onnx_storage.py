"""How weights are stored: in halves or bytes, once for several graphs. They are computed with in fp32: the casts are made at load."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LEAST = 256
"""Smaller tensors stay as they are."""


def _halved(model: onnx.ModelProto) -> list[tuple[TensorProto, np.ndarray]]:
    """Puts a cast behind every large float weight; returns the weights with their values in fp16."""
    graph = model.graph
    halved, casts = [], []
    # Runtimes know a quantised layer by constant scales.
    quantised = [node for node in graph.node if node.op_type in ("QuantizeLinear", "DequantizeLinear")]
    scales = {name for node in quantised for name in node.input}
    for weight in graph.initializer:
        values = numpy_helper.to_array(weight)
        if weight.data_type != TensorProto.FLOAT or values.size < LEAST or np.abs(values).max() > 6e4:
            continue
        name = weight.name
        if name in scales:
            continue
        weight.name = f"{name}.half"
        halved.append((weight, values.astype(np.float16)))
        casts.append(helper.make_node("Cast", [weight.name], [name], to=TensorProto.FLOAT, name=f"{name}.cast"))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return halved


def store_in_bytes(file: Path, chosen: Callable[[str], bool]) -> None:
    """Stores those weights of a graph whose names are `chosen` in 8 bits with a scale for each channel, in place."""
    model = onnx.load(str(file))
    graph = model.graph
    nodes, scales = [], []
    for weight in graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.size < LEAST or not chosen(weight.name):
            continue
        name = weight.name
        # The first axis that has several entries: a convolution's outputs, a plane's channels.
        channel = next(axis for axis, size in enumerate(values.shape) if size > 1)
        others = tuple(axis for axis in range(values.ndim) if axis != channel)
        scale = np.maximum(np.abs(values).max(others, keepdims=True), 1e-12) / 127
        weight.CopyFrom(numpy_helper.from_array(np.round(values / scale).astype(np.int8), f"{name}.bytes"))
        scales.append(numpy_helper.from_array(scale.astype(np.float32), f"{name}.scale"))
        nodes.append(helper.make_node("Cast", [f"{name}.bytes"], [f"{name}.whole"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Mul", [f"{name}.whole", f"{name}.scale"], [name]))
    graph.initializer.extend(scales)
    nodes += graph.node
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.save(model, str(file))


def _pictures(model: onnx.ModelProto) -> list[tuple[TensorProto, np.ndarray]]:
    """Large constants in bytes, which stay as they are."""
    constants = [(constant, numpy_helper.to_array(constant)) for constant in model.graph.initializer]
    return [(c, values) for c, values in constants if c.data_type == TensorProto.UINT8 and values.size >= LEAST]


def share_weights(files: list[Path], weights: Path) -> None:
    """Moves the weights of several graphs, floats in fp16, into one file beside them; what they have in common lies there once."""
    data = bytearray()
    places: dict[str, int] = {}
    for file in files:
        model = onnx.load(str(file))
        for weight, values in [*_halved(model), *_pictures(model)]:
            content = values.tobytes()
            key = sha256(content).hexdigest()
            if key not in places:
                data.extend(bytes(-len(data) % 64))
                places[key] = len(data)
                data.extend(content)
            shape, name = values.shape, weight.name
            kind = helper.np_dtype_to_tensor_dtype(values.dtype)
            weight.Clear()
            weight.name, weight.data_type = name, kind
            weight.dims.extend(shape)
            weight.data_location = TensorProto.EXTERNAL
            for fact, value in (("location", weights.name), ("offset", places[key]), ("length", len(content))):
                weight.external_data.add(key=fact, value=str(value))
        file.write_bytes(model.SerializeToString())
    weights.write_bytes(data)
