"""Times Torch-Pruning's regularize() on the network that bench_regularizer measures, as JSON.

Needs torch, torchvision and torch-pruning; says so and ends with 0 where one is missing. Usage:

    python3 bench/peers/torch_pruning_regularize.py [resnet101] [cuda]
"""

import json
import sys
import time

try:
    import torch
    import torch_pruning
    import torchvision
except ImportError as missing:
    print(f"skipped: {missing}", file=sys.stderr)
    sys.exit(0)


def main():
    network = sys.argv[1] if len(sys.argv) > 1 else "resnet101"
    device = sys.argv[2] if len(sys.argv) > 2 else ("cuda" if torch.cuda.is_available() else "cpu")
    model = torchvision.models.get_model(network, weights=None).to(device)
    example = torch.randn(1, 3, 224, 224, device=device)
    rows = []
    kinds = {
        "BNScalePruner": lambda: torch_pruning.pruner.BNScalePruner(
            model,
            example,
            importance=torch_pruning.importance.BNScaleImportance(),
            ignored_layers=[model.fc],
        ),
        "GroupNormPruner": lambda: torch_pruning.pruner.GroupNormPruner(
            model,
            example,
            importance=torch_pruning.importance.GroupMagnitudeImportance(),
            ignored_layers=[model.fc],
        ),
    }
    for name, make in kinds.items():
        pruner = make()
        model(example).sum().backward()
        pruner.update_regularizer()

        def wait():
            if device.startswith("cuda"):
                torch.cuda.synchronize()

        pruner.regularize(model)
        wait()
        repetitions = 10
        start = time.perf_counter()
        for _ in range(repetitions):
            pruner.regularize(model)
        wait()
        milliseconds = 1000 * (time.perf_counter() - start) / repetitions
        rows.append({"name": f"torch-pruning {name}", "device": device, "ms": milliseconds})
    print(json.dumps({"network": network, "regularizers": rows}, indent=1))


main()
