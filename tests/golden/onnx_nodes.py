"""Writes the node tests of ONNX' backend suite as JSON, a line a test: `python onnx_nodes.py FILE OPERATOR…`. Needs onnx.

A line has: name, op, attributes (numbers, strings and lists of them), inputs and outputs {type, shape, values}; an input
that is left out is null. Values are flat, row-major; what is no finite number is a string. Tests of several nodes are
left out. Operands that are no arrays of numbers have values null, as have those of more than 2^16 elements; tests of other
operators than those named have no operands.
"""

import json
import math
import sys
import warnings

import numpy as np
from onnx import AttributeProto, helper
from onnx.backend.test.loader import load_model_tests

MOST = 1 << 16


def number(x):
    x = float(x)
    return x if math.isfinite(x) else str(x)


def data(x):
    x = np.asarray(x) if isinstance(x, np.generic) else x
    if not isinstance(x, np.ndarray) or x.dtype.kind not in "fiub":
        return {"type": str(getattr(x, "dtype", type(x).__name__)), "shape": [], "values": None}
    values = [number(v) for v in x.flatten()] if x.size <= MOST else None
    return {"type": str(x.dtype), "shape": list(x.shape), "values": values}


def attribute(a):
    value = helper.get_attribute_value(a)
    if a.type == AttributeProto.STRING:
        return value.decode()
    if a.type in (AttributeProto.INT, AttributeProto.FLOAT):
        return number(value) if a.type == AttributeProto.FLOAT else value
    if a.type in (AttributeProto.INTS, AttributeProto.FLOATS):
        return list(value)
    return None


def lines(operators):
    for case in load_model_tests(kind="node"):
        graph = case.model.graph
        if len(graph.node) != 1 or not case.data_sets:
            continue
        node = graph.node[0]
        if node.op_type not in operators:
            yield {"name": case.name.removeprefix("test_"), "op": node.op_type}
            continue
        inputs, outputs = case.data_sets[0]
        given = dict(zip((value.name for value in graph.input), inputs))
        yield {
            "name": case.name.removeprefix("test_"),
            "op": node.op_type,
            "attributes": {a.name: attribute(a) for a in node.attribute},
            "inputs": [data(given[name]) if name in given else None for name in node.input],
            "outputs": [data(x) for x in outputs],
        }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        for line in lines(sys.argv[2:]):
            json.dump(line, file)
            file.write("\n")
