"""A network's graph with known shapes, written as ONNX with random weights: the operations one detector needs."""

from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, ...]

OPSET = 17
_SILU_GAIN = 2.803  # 1 over the mean square of silu(z), z standard normal


@dataclass(frozen=True, slots=True)
class Node:
    """One operation, in ONNX's names."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


@dataclass
class Graph:
    """Operations in their order. A tensor is its name; `shapes` has every tensor's (1, channels, height, width).

    `weights` are to be drawn at random, `constants` are fixed. `macs` counts the multiplications of convolutions,
    as published figures do (they call two of them two FLOPs; those of attention are left out).
    """

    nodes: list[Node] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    weights: dict[str, Shape] = field(default_factory=dict)
    constants: dict[str, NDArray[Any]] = field(default_factory=dict)
    macs: int = 0

    @property
    def parameters(self) -> int:
        """How many numbers were learnt, or would have been."""
        return sum(prod(shape) for shape in self.weights.values())

    def input(self, name: str, shape: Shape) -> str:
        self.shapes[name] = shape
        return name

    def conv(self, x: str, out: int, kernel: int, stride: int = 1, groups: int = 1, *, bias: bool = True) -> str:
        """A convolution that keeps the size, or divides it by the stride."""
        _, channels, height, width = self.shapes[x]
        weight, inputs = f"w{len(self.weights)}", [x]
        self.weights[weight] = (out, channels // groups, kernel, kernel)
        inputs.append(weight)
        if bias:
            inputs.append(f"{weight}_bias")
            self.weights[inputs[-1]] = (out,)
        shape = (1, out, -(-height // stride), -(-width // stride))
        self.macs += prod(shape) * prod(self.weights[weight][1:])
        return self.add(
            "Conv",
            inputs,
            shape,
            kernel_shape=[kernel] * 2,
            strides=[stride] * 2,
            pads=[kernel // 2] * 4,
            group=groups,
        )

    def silu(self, x: str) -> str:
        """x · sigmoid(x)."""
        return self.add("Mul", [x, self.add("Sigmoid", [x], self.shapes[x])], self.shapes[x])

    def plus(self, a: str, b: str) -> str:
        return self.add("Add", [a, b], self.shapes[a])

    def joined(self, parts: list[str], axis: int = 1) -> str:
        shape = list(self.shapes[parts[0]])
        shape[axis] = sum(self.shapes[part][axis] for part in parts)
        return self.add("Concat", parts, tuple(shape), axis=axis)

    def split(self, x: str, sizes: list[int], axis: int = 1) -> list[str]:
        """The tensor cut along an axis."""
        outputs = []
        for size in sizes:
            shape = list(self.shapes[x])
            shape[axis] = size
            outputs.append(self._named(tuple(shape)))
        inputs = (x, self.constant(np.array(sizes, np.int64)))
        self.nodes.append(Node("Split", inputs, tuple(outputs), {"axis": axis}))
        return outputs

    def pooled(self, x: str, kernel: int) -> str:
        """The greatest of each pixel's surroundings."""
        return self.add(
            "MaxPool", [x], self.shapes[x], kernel_shape=[kernel] * 2, pads=[kernel // 2] * 4, strides=[1, 1]
        )

    def doubled(self, x: str) -> str:
        """Twice as high and wide, by repeating pixels."""
        n, channels, height, width = self.shapes[x]
        scales = self.constant(np.array([1, 1, 2, 2], np.float32))
        return self.add("Resize", [x, "", scales], (n, channels, 2 * height, 2 * width), mode="nearest")

    def reshaped(self, x: str, shape: Shape) -> str:
        return self.add("Reshape", [x, self.constant(np.array(shape, np.int64))], shape)

    def turned(self, x: str, order: list[int]) -> str:
        """The tensor with its axes in another order."""
        return self.add("Transpose", [x], tuple(self.shapes[x][k] for k in order), perm=order)

    def product(self, a: str, b: str) -> str:
        """The matrix product over the last two axes."""
        return self.add("MatMul", [a, b], (*self.shapes[a][:-1], self.shapes[b][-1]))

    def softmax(self, x: str, axis: int) -> str:
        return self.add("Softmax", [x], self.shapes[x], axis=axis)

    def with_constant(self, op: str, x: str, value: NDArray[Any], *, first: bool = False) -> str:
        """`x` op value, or value op `x`; the value's shape must not widen that of `x`."""
        inputs = [x, self.constant(value)]
        return self.add(op, inputs[::-1] if first else inputs, self.shapes[x])

    def constant(self, value: NDArray[Any]) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return name

    def add(self, op: str, inputs: list[str], shape: Shape, **attributes: Any) -> str:
        """Any operation with one result of a known shape."""
        output = self._named(shape)
        self.nodes.append(Node(op, tuple(inputs), (output,), attributes))
        return output

    def _named(self, shape: Shape) -> str:
        name = f"t{len(self.shapes)}"
        self.shapes[name] = shape
        return name


def to_onnx(graph: Graph, source: str, result: str, seed: int = 0) -> bytes:
    """The graph as an ONNX model. Weights are drawn so that numbers keep their size through SiLU [as He et al.
    2015 do it for ReLU]: faded to denormal ones they would be slow to reckon with. Needs the package onnx."""
    import onnx  # noqa: PLC0415 (of the extra `bench`)
    from onnx import helper, numpy_helper  # noqa: PLC0415

    rng = np.random.default_rng(seed)
    drawn = {name: _drawn(rng, shape) for name, shape in graph.weights.items()}
    tensors = [numpy_helper.from_array(value, name) for name, value in (drawn | graph.constants).items()]
    nodes = [helper.make_node(n.op, list(n.inputs), list(n.outputs), **n.attributes) for n in graph.nodes]
    ends = [
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, graph.shapes[name])]
        for name in (source, result)
    ]
    model = helper.make_model(
        helper.make_graph(nodes, "network", *ends, tensors),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=8,
    )
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _drawn(rng: np.random.Generator, shape: Shape) -> NDArray[np.float32]:
    if len(shape) == 1:
        return np.zeros(shape, np.float32)
    drawn: NDArray[np.float32] = rng.standard_normal(shape, dtype=np.float32)
    drawn *= np.float32(np.sqrt(_SILU_GAIN / prod(shape[1:])))
    return drawn
