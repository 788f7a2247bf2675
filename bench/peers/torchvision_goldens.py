#!/usr/bin/env python3
"""Prints what torchvision's networks answer with weights and an input that a formula gives.

    pip install torch torchvision
    bench/peers/torchvision_goldens.py

tests/checkpoint/torchvision_test.cpp computes the same weights and holds the answers: its numbers
come from here. Element i of a tensor is

    u(i) = ((i + 1) * 2654435761 + 40503 * sum of (k + 1) * byte k of its name) mod 2^32 / 2^32

scaled to what its kind needs, so a weight under a wrong name or in a wrong order changes the answer.
"""

import numpy as np
import torch
import torchvision

NETWORKS = ["resnet18", "mobilenet_v3_small", "shufflenet_v2_x1_0"]
SIDE = 64


def uniform(name: str, count: int) -> np.ndarray:
    start = 40503 * sum((k + 1) * byte for k, byte in enumerate(name.encode()))
    return (np.arange(1, count + 1, dtype=np.uint64) * 2654435761 + start) % 2**32 / 2**32


def values(name: str, shape: torch.Size) -> torch.Tensor:
    u = uniform(name, int(np.prod(shape)))
    if len(shape) > 1:
        fan_in = np.prod(shape[1:])
        u = (u - 0.5) * np.sqrt(24 / fan_in)
    elif name.endswith((".weight", ".running_var")):
        u = 0.5 + u
    else:
        u = (u - 0.5) / 4
    return torch.from_numpy(u.astype(np.float32)).reshape(shape)


def main() -> None:
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}")
    image = torch.from_numpy(uniform("input", 3 * SIDE * SIDE).astype(np.float32) - 0.5)
    for name in NETWORKS:
        model = getattr(torchvision.models, name)(weights=None).eval()
        state = model.state_dict()
        for key, tensor in state.items():
            if tensor.dtype == torch.float32:
                state[key] = values(key, tensor.shape)
        model.load_state_dict(state)
        with torch.no_grad():
            logits = model(image.reshape(1, 3, SIDE, SIDE))[0]
        shown = ", ".join(f"{value:.6g}" for value in logits[:5].tolist())
        print(f'{{"{name}", {logits.abs().max():.6g}, {{{shown}}}}},')


main()
