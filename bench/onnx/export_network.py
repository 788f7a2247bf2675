"""Exports a network of timm as an ONNX file that can learn: BatchNormalization kept, batch open.

Needs torch, timm and onnxscript from PyPI; tried with torch 2.15.0 and timm 1.0.31:

    python3 bench/onnx/export_network.py test_resnet --input 1x28x28 --classes 10 -o net.onnx
"""

import argparse

import timm
import torch


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", help="a name that timm knows")
    parser.add_argument("--input", default="3x32x32", help="sizes of one example")
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("-o", "--output", required=True)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    shape = [int(size) for size in arguments.input.split("x")]
    model = timm.create_model(
        arguments.network, in_chans=shape[0], num_classes=arguments.classes
    ).eval()
    torch.onnx.export(
        model,
        (torch.randn(2, *shape),),
        arguments.output,
        dynamo=True,
        optimize=False,
        external_data=False,
        input_names=["input"],
        output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
    )


if __name__ == "__main__":
    main()
