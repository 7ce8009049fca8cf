"""How weights are stored: halved, and once for several graphs. What is computed stays fp32: a cast at load is folded away."""

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
    for weight in graph.initializer:
        values = numpy_helper.to_array(weight)
        if weight.data_type != TensorProto.FLOAT or values.size < LEAST or np.abs(values).max() > 6e4:
            continue
        name = weight.name
        weight.name = f"{name}.half"
        halved.append((weight, values.astype(np.float16)))
        casts.append(helper.make_node("Cast", [weight.name], [name], to=TensorProto.FLOAT, name=f"{name}.cast"))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return halved


def halve(file: Path) -> None:
    """Stores the weights of a graph in fp16, in place."""
    model = onnx.load(str(file))
    for weight, values in _halved(model):
        weight.CopyFrom(numpy_helper.from_array(values, weight.name))
    onnx.save(model, str(file))


def share_weights(files: list[Path], weights: Path) -> None:
    """Moves the weights of several graphs, in fp16, into one file beside them; what they have in common lies there once."""
    data = bytearray()
    places: dict[str, int] = {}
    for file in files:
        model = onnx.load(str(file))
        for weight, values in _halved(model):
            content = values.tobytes()
            key = sha256(content).hexdigest()
            if key not in places:
                data.extend(bytes(-len(data) % 64))
                places[key] = len(data)
                data.extend(content)
            shape, name = values.shape, weight.name
            weight.Clear()
            weight.name, weight.data_type = name, TensorProto.FLOAT16
            weight.dims.extend(shape)
            weight.data_location = TensorProto.EXTERNAL
            for fact, value in (("location", weights.name), ("offset", places[key]), ("length", len(content))):
                weight.external_data.add(key=fact, value=str(value))
        file.write_bytes(model.SerializeToString())
    weights.write_bytes(data)
