"""onnx_model.py: writes a network as an ONNX file, as torch.onnx would: Gemm, activation, ..."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPERATORS = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "softmax": "Softmax"}


def write(path, network, pairs, rows):
    """For exactly `rows` rows, which leaves the runtime nothing to find out during a call."""
    nodes, values, name = [], [], "x"
    for i, ((weights, bias), (_, activation, _)) in enumerate(zip(pairs, network.layers)):
        values += [numpy_helper.from_array(np.ascontiguousarray(weights.T), f"w{i}"),
                   numpy_helper.from_array(bias, f"b{i}")]
        nodes.append(helper.make_node("Gemm", [name, f"w{i}", f"b{i}"], [f"z{i}"], transB=1))
        name = "y" if i + 1 == len(pairs) else f"a{i}"
        more = {"axis": 1} if activation == "softmax" else {}
        nodes.append(helper.make_node(OPERATORS[activation], [f"z{i}"], [name], **more))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, network.features])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows, network.outputs])
    graph = helper.make_graph(nodes, network.name, [x], [y], values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)
