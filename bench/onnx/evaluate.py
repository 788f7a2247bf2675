"""Top-1 accuracy of an ONNX file in ONNX Runtime on Fashion-MNIST's test half, as JSON.

    .venv/bin/python3 bench/onnx/evaluate.py net.onnx [--data DIR] [--images N]

Needs onnxruntime and numpy (scripts/setup --test installs them). Images are normalised as
morphnet does: by mean and deviation of 10,000 images of the training half. Prints

    {"file", "images", "top1", "onnxruntime"}
"""

import argparse
import gzip
import json
import pathlib

import numpy
import onnxruntime

BATCH = 250
MEASURED = 10000


def read_idx(path):
    """An IDX file, unpacked: magic, sizes, bytes."""
    data = gzip.decompress(path.read_bytes())
    sizes = numpy.frombuffer(data, ">i4", count=data[3], offset=4)
    return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * len(sizes)).reshape(sizes)


def test_half(folder):
    train = read_idx(folder / "train-images-idx3-ubyte.gz")
    train = train[:: len(train) // MEASURED] / 255.0
    images = read_idx(folder / "t10k-images-idx3-ubyte.gz") / 255.0
    labels = read_idx(folder / "t10k-labels-idx1-ubyte.gz")
    return ((images - train.mean()) / train.std()).astype(numpy.float32)[:, None], labels


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--images", type=int, default=10000, help="only the first so many")
    arguments = parser.parse_args()
    images, labels = test_half(pathlib.Path(arguments.data))
    images, labels = images[: arguments.images], labels[: arguments.images]
    session = onnxruntime.InferenceSession(arguments.file, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    right = 0
    for start in range(0, len(images), BATCH):
        scores = session.run(None, {name: images[start : start + BATCH]})[0]
        right += int((scores.argmax(1) == labels[start : start + BATCH]).sum())
    figures = {
        "file": arguments.file,
        "images": len(images),
        "top1": 100 * right / len(images),
        "onnxruntime": onnxruntime.__version__,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
