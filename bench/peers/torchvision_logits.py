#!/usr/bin/env python3
"""Exports torchvision's networks with random weights, and what they answer to a fixed input.

    pip install torch torchvision safetensors
    bench/peers/torchvision_logits.py DIR [NAME ...]
    build/release/bench/compare_logits DIR

For each network writes DIR/NAME.safetensors, its state_dict, and DIR/NAME.logits.safetensors with
`input` and `logits`. compare_logits loads the first into zoo:NAME by name and compares the second.
"""

import sys
from pathlib import Path

import torch
import torchvision
from safetensors.torch import save_file

NAMES = [
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
    *("wide_resnet50_2", "wide_resnet101_2", "resnext50_32x4d", "resnext101_32x8d"),
    *("densenet121", "densenet161", "densenet169", "densenet201"),
    *("mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small", "efficientnet_b0"),
    *("shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "shufflenet_v2_x1_5", "shufflenet_v2_x2_0"),
    *("vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn", "inception_v3"),
]


def scatter_normalization(model: torch.nn.Module) -> None:
    """Gives scales, shifts and statistics values that differ, so that none can be taken for another."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.1)
            torch.nn.init.normal_(module.running_mean, std=0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)


def export(name: str, folder: Path) -> None:
    torch.manual_seed(0)
    arguments = {"init_weights": False} if name == "inception_v3" else {}
    model = getattr(torchvision.models, name)(weights=None, **arguments).eval()
    scatter_normalization(model)
    side = 299 if name == "inception_v3" else 224
    images = torch.randn(2, 3, side, side)
    with torch.no_grad():
        logits = model(images)
    state = {key: value.contiguous() for key, value in model.state_dict().items()}
    save_file(state, folder / f"{name}.safetensors", metadata={"format": "pt"})
    save_file({"input": images, "logits": logits}, folder / f"{name}.logits.safetensors")
    print(f"{name}: {len(state)} tensors, largest logit {logits.abs().max():.4g}")


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}")
    for name in sys.argv[2:] or NAMES:
        export(name, folder)


if __name__ == "__main__":
    main()
