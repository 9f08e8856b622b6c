"""The neural network of the bench is the one it is said to be."""

from importlib.util import find_spec

import numpy as np
import pytest

from vision.bench import network
from vision.bench.graph import to_onnx
from vision.bench.network import MissingExtraError, load_network
from vision.bench.yolo11n import yolo11n

needs_extra = pytest.mark.skipif(
    find_spec("onnx") is None or find_spec("onnxruntime") is None, reason="the extra `bench` is not installed"
)


def test_it_has_as_many_parameters_as_published() -> None:
    # `yolo export` reports 2,616,248 for YOLO11n with its layers fused; the published table rounds to 2.6 M.
    assert yolo11n(640, 640).graph.parameters == 2_616_248


def test_it_takes_as_many_operations_as_published() -> None:
    # 6.5 GFLOPs at 640 × 640, two for each multiplication of a convolution.
    assert 2 * yolo11n(640, 640).graph.macs / 1e9 == pytest.approx(6.5, abs=0.05)
    assert yolo11n(320, 640).graph.macs * 2 == yolo11n(640, 640).graph.macs


def test_it_gives_a_box_and_80_scores_for_every_cell_of_three_levels() -> None:
    made = yolo11n(320, 640)
    assert made.graph.shapes[made.result] == (1, 84, 40 * 80 + 20 * 40 + 10 * 20)


def test_a_picture_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="multiples of 32"):
        yolo11n(360, 640)


def test_without_the_extra_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "find_spec", lambda name: None if name == "onnxruntime" else object())
    with pytest.raises(MissingExtraError, match=r"^onnxruntime is not installed: .*\[bench\]"):
        load_network()


@needs_extra
def test_onnx_reckons_the_same_shapes() -> None:
    import onnx

    made = yolo11n(64, 96)
    model = onnx.load_from_string(to_onnx(made.graph, made.source, made.result))
    known = onnx.shape_inference.infer_shapes(model).graph.value_info
    assert len(known) > 300
    for value in known:
        assert tuple(d.dim_value for d in value.type.tensor_type.shape.dim) == made.graph.shapes[value.name]


@needs_extra
def test_it_runs_and_its_numbers_neither_grow_nor_fade() -> None:
    output = np.asarray(load_network()()[0])  # type: ignore[index]
    assert output.shape == (1, 84, 4200)
    assert np.isfinite(output).all()
    scores = output[0, 4:]
    assert 0.01 < scores.std() < 0.5
    assert 0 < output[0, 2:4].mean() < 640


@needs_extra
def test_boxes_lie_round_their_cells() -> None:
    """Each side is at most 15 cells from the middle of the box's own cell."""
    boxes = np.asarray(load_network()()[0])[0, :4]  # type: ignore[index]
    first = 40 * 80
    v, u = np.mgrid[:40, :80] * 8 + 4.0
    assert np.abs(boxes[0, :first] - u.ravel()).max() <= 15 * 8
    assert np.abs(boxes[1, :first] - v.ravel()).max() <= 15 * 8
