#!/usr/bin/env python3
"""make_onnx.py torch|sklearn|helper|refused|keras ...: writes data/foreign/onnx/*.onnx, networks as
other programs export them, and beside each *.txt: inputs and what the program itself makes of them.

Run by hand, with the packages of the kind named: torch, onnx and onnxscript; scikit-learn and
skl2onnx; onnx; tensorflow and tf2onnx. A .txt file is words separated by white space:
    rows features outputs, then x [rows][features], then y [rows][outputs]
"refused" writes data/foreign/onnx/refused.list, models that Lamina cannot represent, one per line:
name, the file in hexadecimal digits, and what the message must contain.
"""
import os
import pathlib
import sys
import warnings

import numpy as np

warnings.filterwarnings("ignore")
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
HERE = pathlib.Path(__file__).parent / "data" / "foreign" / "onnx"
ROWS = 6


def samples(shape, low=-2.0, high=2.0):
    x = np.random.default_rng(4).uniform(low, high, (ROWS, *shape))
    return (np.round(x * 64) / 64).astype(np.float32)


def write_expected(name, x, y):
    y = np.asarray(y, np.float64).reshape(len(x), -1)
    x = x.reshape(len(x), -1)
    words = [f"{v:.9g}" for v in np.concatenate([x.ravel(), y.ravel()])]
    lines = [f"{len(x)} {x.shape[1]} {y.shape[1]}"]
    lines += [" ".join(words[i:i + 8]) for i in range(0, len(words), 8)]
    (HERE / f"{name}.txt").write_text("\n".join(lines) + "\n")
    print(f"{name}: {x.shape[1]} to {y.shape[1]}, {(HERE / (name + '.onnx')).stat().st_size} bytes")


def make_torch():
    import torch
    from torch import nn

    class Image(nn.Module):
        """Normalized by channel, as images are; every layer and activation we have."""

        def __init__(self):
            super().__init__()
            self.register_buffer("mean", torch.tensor([0.1, -0.2, 0.3]).reshape(1, 3, 1))
            self.register_buffer("std", torch.tensor([0.5, 2.0, 1.5]).reshape(1, 3, 1))
            self.layers = nn.Sequential(
                nn.Flatten(), nn.Linear(12, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3),
                nn.Linear(8, 7), nn.LayerNorm(7), nn.Tanh(), nn.Linear(7, 6, bias=False),
                nn.Sigmoid(), nn.BatchNorm1d(6), nn.Linear(6, 3), nn.Softmax(dim=1))

        def forward(self, x):
            return self.layers((x - self.mean) / self.std)

    torch.manual_seed(1)
    model = Image()
    model.train()
    for _ in range(5):  # running statistics of batch normalization
        model(torch.randn(32, 3, 4) * 2 + 0.5)
    for part in model.modules():
        if isinstance(part, nn.LayerNorm):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.uniform_(part.bias, -0.5, 0.5)
    model.eval()
    x = samples((3, 4))
    with torch.no_grad():
        y = model(torch.tensor(x)).numpy()
    example = (torch.tensor(x[:2]),)
    for name, version in [("torch_script", 17), ("torch_script_old", 13)]:
        torch.onnx.export(model, example, HERE / f"{name}.onnx", dynamo=False,
                          opset_version=version, input_names=["x"], output_names=["y"],
                          dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}})
        write_expected(name, x, y)
    torch.onnx.export(model, example, HERE / "torch_dynamo.onnx", dynamo=True, input_names=["x"],
                      output_names=["y"], dynamic_shapes=({0: torch.export.Dim("batch")},),
                      external_data=False, verbose=False)
    write_expected("torch_dynamo", x, y)
    torch.onnx.export(model, (example[0][:1],), HERE / "torch_fixed.onnx", dynamo=True,
                      external_data=False, verbose=False)  # a batch of exactly one
    write_expected("torch_fixed", x, y)
    for name in ("torch_dynamo", "torch_fixed"):  # stack traces of this machine
        import onnx
        proto = onnx.load(HERE / f"{name}.onnx")
        for part in [*proto.graph.node, *proto.graph.input, *proto.graph.output, proto.graph,
                     *proto.graph.value_info]:
            del part.metadata_props[:]
        onnx.save(proto, HERE / f"{name}.onnx")
        write_expected(name, x, y)


def make_sklearn():
    from skl2onnx import to_onnx
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    rng = np.random.default_rng(0)
    train = rng.normal(size=(80, 4)).astype(np.float32)
    classes = (train[:, 0] + train[:, 1] > 0).astype(int) + (train[:, 2] > 0)
    x = samples((4,))

    def save(name, scaler, model, target, **options):
        model = make_pipeline(scaler, model).fit(train, target)
        proto = to_onnx(model, train[:1], target_opset=17, **options)
        (HERE / f"{name}.onnx").write_bytes(proto.SerializeToString())
        predict = getattr(model, "predict_proba", model.predict)
        write_expected(name, x, predict(x))

    options = dict(max_iter=40, random_state=1)
    save("sklearn_classes", StandardScaler(), MLPClassifier((5, 4), **options), classes,
         options={"zipmap": False})
    save("sklearn_words", StandardScaler(), MLPClassifier((5,), activation="tanh", **options),
         np.array(["a", "b", "c"])[classes])
    save("sklearn_two", MinMaxScaler(), MLPClassifier((5,), activation="logistic", **options),
         classes > 0)
    save("sklearn_number", StandardScaler(),
         MLPRegressor(hidden_layer_sizes=(6,), activation="identity", **options), train[:, 0] * 3)


def make_helper():
    """Number types and ways to write a constant, with NumPy as the oracle."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(5)

    def rounded(*shape):  # few bits: exact in bfloat16
        return np.round(rng.uniform(-2, 2, shape) * 16) / 16

    w1, b1, w2, w3, b3 = rounded(3, 5), rounded(5), rounded(4, 5), rounded(4, 2), rounded(1, 2)
    half = helper.make_tensor("w2", TensorProto.FLOAT16, [4, 5],
                              w2.astype(np.float16).view(np.uint16).ravel().tobytes(), raw=True)
    brain = helper.make_tensor("b3", TensorProto.BFLOAT16, [1, 2], b3.ravel())
    listed = helper.make_tensor("b1", TensorProto.FLOAT, [5], b1.ravel())
    nodes = [
        helper.make_node("Constant", [], ["two"], value_float=2.0),
        helper.make_node("Constant", [], ["shift"], value_floats=[0.5, -0.25, 1.0]),
        helper.make_node("Constant", [], ["shape"], value_ints=[-1, 3]),
        helper.make_node("Reshape", ["x", "shape"], ["rows"]),
        helper.make_node("Sub", ["shift", "rows"], ["shifted"], name="constant first"),
        helper.make_node("Div", ["shifted", "two"], ["halved"]),
        helper.make_node("Gemm", ["halved", "w1", "b1"], ["z1"], alpha=0.5, beta=2.0),
        helper.make_node("Relu", ["z1"], ["y1"], domain="ai.onnx"),
        helper.make_node("Transpose", ["w2"], ["w2t"], perm=[1, 0]),
        helper.make_node("Identity", ["w2t"], ["w2i"]),
        helper.make_node("MatMul", ["y1", "w2i"], ["z2"]),
        helper.make_node("Constant", [], ["no"], value=helper.make_tensor(
            "value", TensorProto.BOOL, [], [False])),
        helper.make_node("Dropout", ["z2", "rate", "no"], ["d2", "mask"]),
        helper.make_node("Tanh", ["d2"], ["y2"]),
        helper.make_node("Gemm", ["y2", "w3", "b3"], ["z3"]),
        helper.make_node("Cast", ["z3"], ["y"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["y"], ["unused"], name="nobody wants it"),
    ]
    graph = helper.make_graph(
        nodes, "helper", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(w1, "w1"), listed, half, numpy_helper.from_array(w3, "w3"), brain,
         numpy_helper.from_array(np.float32(0.25), "rate")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (HERE / "helper_types.onnx").write_bytes(model.SerializeToString(deterministic=True))
    x = samples((3,))
    y1 = np.maximum(0.5 * (([0.5, -0.25, 1.0] - x) / 2) @ w1 + 2 * b1, 0)
    write_expected("helper_types", x, np.tanh(y1 @ w2.T) @ w3 + b3)
    assert onnx.__version__


def make_refused():
    from onnx import TensorProto, helper, numpy_helper

    floats, ints = TensorProto.FLOAT, TensorProto.INT64
    w = numpy_helper.from_array(np.arange(6, dtype=np.float32).reshape(3, 2), "w")
    square = numpy_helper.from_array(np.eye(3, dtype=np.float32), "s")
    v = numpy_helper.from_array(np.ones(2, np.float32), "v")
    lines = []

    def info(name, shape=("n", 3), kind=floats):
        return helper.make_tensor_value_info(name, kind, shape)

    def add(name, message, nodes, constants=(), inputs=(info("x"),), outputs=(info("y"),), sets=17,
            version=8, change=None):
        graph = helper.make_graph(nodes, "g", list(inputs), list(outputs), list(constants))
        model = helper.make_model(graph, ir_version=version,
                                  opset_imports=[helper.make_opsetid("", sets)])
        model.producer_name = ""
        if change:
            change(model)
        lines.append(f"{name} {model.SerializeToString(deterministic=True).hex()} {message}\n")

    node = helper.make_node
    gemm = node("Gemm", ["x", "w"], ["y"], name="g")

    def relu(**attributes):
        return [node("Gemm", ["x", "w"], ["z"]), node("Relu", ["z"], ["y"], **attributes)]

    add("convolution", "node 0 'c' (Conv): an operator that cannot be part", [
        node("Conv", ["x", "w"], ["y"], name="c")], [w])
    add("domain", "(Gemm): an operator of my.own that cannot be part",
        [node("Gemm", ["x", "w"], ["y"], domain="my.own")], [w])
    add("log_softmax", "(LogSoftmax)", [node("LogSoftmax", ["x"], ["y"])])
    add("attribute", "node 1 '' (Relu): the attribute 'slope'", relu(slope=0.5), [w])
    add("two_inputs", "more than one input: 'x' and 'x2'", [gemm], [w],
        inputs=[info("x"), info("x2")])
    add("no_input", "no input", [node("Relu", ["w"], ["y"])], [w], inputs=[])
    add("two_outputs", "more than one output of floats: 'y' and 'z'", relu(), [w],
        outputs=[info("y"), info("z")])
    add("label_only", "no output of floats", [gemm], [w], outputs=[info("y", kind=ints)])
    add("branch", "its input 'x' is already used elsewhere", [
        node("Gemm", ["x", "s"], ["z"]), node("Add", ["z", "x"], ["y"])], [square])
    add("doubled", "(Mul): input 1, 'z', is not a constant", [
        node("Gemm", ["x", "s"], ["z"]), node("Mul", ["z", "z"], ["y"])], [square])
    add("unordered", "its input 'z' is not defined before it: node 1 makes it", list(reversed(relu())), [w])
    add("undefined", "'b' is not defined before it, nor does any node make it",
        [node("Gemm", ["x", "w", "b"], ["y"])], [w])
    add("no_producer", "output 'y' comes from no node", [node("Gemm", ["x", "w"], ["z"])], [w])
    add("twice", "the value 'y' is defined twice", [gemm, node("Relu", ["x"], ["y"])], [w])
    add("twice_initializer", "the value 'w' is defined twice", [gemm], [w, w])
    add("transposed_samples", "transposed or on the right",
        [node("Gemm", ["x", "w"], ["y"], transA=1)], [w])
    add("on_the_right", "on the right of the product", [node("MatMul", ["w", "x"], ["y"])], [w])
    add("image", "takes samples of 3 dimensions: only rows", [gemm], [w],
        inputs=[info("x", ("n", 4, 3))])
    add("vector_weights", "the weights 'v' have 2 values in 1 dimensions",
        [node("MatMul", ["x", "v"], ["y"])], [v])
    add("shape", "takes 3 values, but 2 come to it", [
        node("MatMul", ["x", "w"], ["z"]), node("MatMul", ["z", "w"], ["y"])], [w])
    add("bias", "the bias 's' has 9 values in 2 dimensions, not 2",
        [node("Gemm", ["x", "w", "s"], ["y"])], [w, square])
    add("broadcast", "the constant 'v' of 2 values in 1 dimensions does not fit",
        [node("Add", ["x", "v"], ["z"]), node("MatMul", ["z", "w"], ["y"])], [v, w])
    add("broadcast_batch", "the constant 'w' of 6 values in 2 dimensions does not fit",
        [node("Mul", ["x", "w"], ["y"])], [w])
    zeros = numpy_helper.from_array(np.zeros(3, np.float32), "zero")
    add("divided", "divides by 0", [node("Div", ["x", "zero"], ["y"])], [zeros])
    add("divides", "divides by the samples", [node("Div", ["zero", "x"], ["y"])], [zeros])
    add("softmax_axis", "over axis 0", [gemm.__class__.FromString(gemm.SerializeToString()),
                                        node("Softmax", ["y"], ["p"], axis=0)], [w],
        outputs=[info("p")])
    add("flatten", "flattens from axis 0 on", [node("Flatten", ["x"], ["y"], axis=0)])
    wide = helper.make_tensor("to", ints, [2], [1, -1])
    add("reshape", "only to rows of the 3 values", [node("Reshape", ["x", "to"], ["y"])], [wide])
    add("keras_norm_apart", "so tf2onnx takes a LayerNormalization of Keras apart",
        [node("Reshape", ["x", "to"], ["y"])], [helper.make_tensor("to", ints, [4], [1, -1, 3, 1])])
    add("reshape_both", "only to rows", [node("Reshape", ["x", "to"], ["y"])],
        [helper.make_tensor("to", ints, [2], [-1, 6])])
    add("training", "is in training mode", [node("BatchNormalization", ["x", "a", "a", "a", "a"],
                                                 ["y"], training_mode=1)],
        [numpy_helper.from_array(np.ones(3, np.float32), "a")])
    add("variance", "cannot be normalized", [node("BatchNormalization", ["x", "a", "a", "a", "b"],
                                                  ["y"])],
        [numpy_helper.from_array(np.ones(3, np.float32), "a"),
         numpy_helper.from_array(-np.ones(3, np.float32), "b")])
    add("half_a_batch_norm", "input 3 is missing", [
        node("BatchNormalization", ["x", "a", "a"], ["y"])],
        [numpy_helper.from_array(np.ones(3, np.float32), "a")])
    add("layer_norm_without_scale", "input 1 is missing",
        [node("LayerNormalization", ["x"], ["y"])])
    add("dropout_training", "(Dropout): is in training mode",
        [node("Dropout", ["x", "", "t"], ["y"])],
        [helper.make_tensor("t", TensorProto.BOOL, [], [True])])
    add("dropout_raw", "(Dropout): is in training mode",
        [node("Dropout", ["x", "", "t"], ["y"])],
        [helper.make_tensor("t", TensorProto.BOOL, [], b"\1", raw=True)])
    add("dropout_both", "input 2, 't', is not one BOOL", [node("Dropout", ["x", "", "t"], ["y"])],
        [helper.make_tensor("t", TensorProto.BOOL, [2], [False, False])])
    add("dropout_of_samples", "input 2, 'x', is not a constant",
        [node("Dropout", ["x", "", "x"], ["y"])])
    # shapes that the input claims, and weights that are named again and again
    tiny = numpy_helper.from_array(np.float32(1e-5), "e")
    add("claimed_norm", "values, more than a file of", [
        node("ReduceMean", ["x"], ["m"], axes=[1]), node("Sub", ["x", "m"], ["d"]),
        node("Mul", ["d", "d"], ["s"]), node("ReduceMean", ["s"], ["q"], axes=[1]),
        node("Add", ["q", "e"], ["r"]), node("Sqrt", ["r"], ["t"]), node("Div", ["d", "t"], ["y"])],
        [tiny], inputs=[info("x", ("n", 1 << 31))])
    add("claimed_image", "(Add): 2147483648 values, more than a file of", [
        node("Add", ["x", "v"], ["z"]), node("Flatten", ["z"], ["y"])], [v],
        inputs=[info("x", ("n", 1 << 30, 2))])
    wide = numpy_helper.from_array(np.ones((40, 40), np.float32), "w")
    names = ["x", *map(str, range(200)), "y"]
    add("again_and_again", "(MatMul): 1640 values, more than a file of", [
        node("MatMul", [a, "w"], [b]) for a, b in zip(names, names[1:])], [wide],
        inputs=[info("x", ("n", 40))])
    add("mask", "its output 1 is used", [
        node("Dropout", ["x"], ["d", "m"]), node("Add", ["d", "m"], ["y"])])
    add("cast", "the network has no layers", [node("Cast", ["x"], ["y"], to=TensorProto.FLOAT16)])
    add("lonely_activation", "the activation 'relu' has no", [node("Relu", ["x"], ["y"])],
        inputs=[info("x", ("n", "m"))])
    add("two_activations", "follows the activation 'relu'",
        relu() + [node("Tanh", ["y"], ["t"])], [w], outputs=[info("t")])
    add("half_a_norm", "(Add): input 1, 'm', is not a constant", [
        node("ReduceMean", ["x"], ["m"], axes=[1]), node("Add", ["x", "m"], ["y"])])
    add("mean_of_batch", "not part of a layer normalization", [
        node("ReduceMean", ["x"], ["y"], axes=[0])])
    add("mean_only", "the samples do not lead to output 'y'", [node("ReduceMean", ["x"], ["y"], axes=[1])])
    add("relu_of_mean", "(Relu): not part of", [
        node("ReduceMean", ["x"], ["m"], axes=[1]), node("Relu", ["m"], ["y"])])
    add("constants_alone", "computes with constants only", [
        node("Add", ["w", "w"], ["u"]), node("MatMul", ["x", "u"], ["y"])], [w])
    add("words", "a constant that is not of numbers", [
        node("Constant", [], ["u"], value_string="a"), node("MatMul", ["x", "u"], ["y"])])
    add("integers", "'w' is of type INT64, not a float", [gemm],
        [helper.make_tensor("w", ints, [3, 2], range(6))])
    add("booleans", "'w' is of data type 9", [gemm],
        [helper.make_tensor("w", TensorProto.BOOL, [3, 2], [True] * 6)])
    add("nan", "value 1 of 'w' is not a finite", [gemm],
        [helper.make_tensor("w", floats, [3, 2], [0, float("nan"), 0, 0, 0, 0])])
    add("too_large", "value 5 of 'w' is not a finite", [gemm],
        [helper.make_tensor("w", TensorProto.DOUBLE, [3, 2], [0, 0, 0, 0, 0, 1e300])])
    add("operator_set", "ONNX operator set 6, 7 to", [gemm], [w], sets=6)
    add("future_set", "ONNX operator set 999, 7 to", [gemm], [w], sets=999)
    add("old", "ONNX IR version 2", [gemm], [w], version=2)
    add("empty", "an ONNX model without nodes", [], [w])
    add("integer_input", "input 'x' is not an array of floats", [gemm], [w],
        inputs=[info("x", kind=ints)])
    add("one_dimension", "input 'x' has 1 dimensions", [gemm], [w], inputs=[info("x", (3,))])
    add("no_shape", "input 'x' is not an array of floats of a known shape", [gemm], [w],
        inputs=[info("x", None)])

    def edit(function):
        return lambda model: function(model.graph.initializer[0])

    add("external", "the values of 'w' are in another file", [gemm], [w], change=edit(
        lambda t: (t.external_data.add(key="location", value="/etc/passwd"),
                   setattr(t, "data_location", 1))))
    add("too_few_bytes", "'w' has 23 bytes, no multiple of 4", [gemm], [w], change=edit(
        lambda t: setattr(t, "raw_data", t.raw_data[:-1])))
    add("too_few_values", "has the shape of 6 values, but 5", [gemm], [w], change=edit(
        lambda t: setattr(t, "raw_data", t.raw_data[:-4])))
    add("huge_shape", "is 4611686018427387904", [gemm], [w], change=edit(
        lambda t: t.dims.__setitem__(slice(0, 2), [1 << 62, 1 << 62])))
    add("negative_shape", "'w': dimension 0 is -3", [gemm], [w], change=edit(
        lambda t: t.dims.__setitem__(slice(0, 2), [-3, -2])))
    add("nameless", "an input or initializer without a name", [gemm], [w],
        change=edit(lambda t: t.ClearField("name")))

    def function(model):
        model.functions.add(name="f", domain="own")

    add("function", "function 'f': functions are not read", [gemm], [w], change=function)
    add("sparse", "sparse initializers", [gemm], [w],
        change=lambda model: model.graph.sparse_initializer.add())
    (HERE / "refused.list").write_text("".join(lines))
    print(f"{len(lines)} models to refuse")


def make_keras():
    import keras
    import tensorflow as tf
    import tf2onnx
    layers = keras.layers

    def save(name, shape, parts, low=-2.0, high=2.0):
        model = keras.Sequential([keras.Input(shape), *parts])
        rng = np.random.default_rng(6)
        model.set_weights([rng.uniform(0.3, 1.3, w.shape) if w.ndim == 1
                           else rng.uniform(-1, 1, w.shape) for w in model.get_weights()])
        signature = (tf.TensorSpec((None, *shape), tf.float32, name="input"),)
        call = tf.function(lambda input: model(input, training=False))  # its name in the file
        tf2onnx.convert.from_function(call, input_signature=signature, opset=17,
                                      output_path=str(HERE / f"{name}.onnx"))
        x = samples(shape, low, high)
        write_expected(name, x, model.predict(x, verbose=0))

    keras.utils.set_random_seed(2)
    save("keras_image", (4, 3), [layers.Rescaling(1 / 127.5, -1), layers.Flatten(),
                                 layers.Dense(8, "relu"), layers.BatchNormalization(),
                                 layers.Dropout(0.2), layers.Dense(6, "sigmoid"),
                                 layers.Dense(3, "softmax")], 0, 255)
    save("keras_layer_norm", (5,), [layers.Dense(8, "tanh"), layers.LayerNormalization(),
                                    layers.Dense(4), layers.LayerNormalization(epsilon=0.01),
                                    layers.Activation("relu"), layers.Dense(2)])
    save("keras_batch_norm", (5,), [layers.BatchNormalization(), layers.Dense(8, use_bias=False),
                                    layers.BatchNormalization(), layers.Activation("relu"),
                                    layers.Dense(2)])


def main():
    HERE.mkdir(parents=True, exist_ok=True)
    kinds = {"torch": make_torch, "sklearn": make_sklearn, "helper": make_helper,
             "refused": make_refused, "keras": make_keras}
    for kind in sys.argv[1:]:
        kinds[kind]()


if __name__ == "__main__":
    main()
