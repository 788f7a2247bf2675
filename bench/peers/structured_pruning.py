"""Structured pruning by morphnet, onnxsim and Torch-Pruning on the same networks, as JSON.

    python3 bench/peers/structured_pruning.py build/release/morphnet [NAME ...] > peers.json

Needs torch, torchvision, onnx, onnxscript, onnxruntime, onnxsim and torch-pruning. The networks are
the micro-models of tests/models and some of torchvision at 64 pixels, exported as docs/onnx.md says.
In each, half of the channels of every layer but the last is exactly zero (weights, biases, scales and
shifts; the last half, or of each PERIOD of channels that are tied across it), so that a tool that is told to remove half of the channels can leave out just
those, and then has to compute what the whole network does. For each network and tool:

    outcome    "pruned", "unchanged", or what went wrong
    flops      what is left of the FLOPs, counted by `morphnet cost`
    difference max |small - whole| / max |whole| in ONNX Runtime; equal is true up to 1e-4

Each tool runs in a process of its own, for at most 60 seconds.
"""

import importlib.metadata
import json
import multiprocessing
import pathlib
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime
import torch
import torchvision

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "models"))
import export_micro_models  # noqa: E402

TIME_LIMIT = 60
TORCHVISION = ("resnet18", "mobilenet_v2", "shufflenet_v2_x0_5", "densenet121")
# Where channels are tied at this distance: halves of a GLU, and groups.
PERIODS = {
    "channel_shuffle": {"a": 10},
    "glu": {"a": 16},
    "grouped_conv": {"a": 4, "b": 6},
    "grouped_transposed": {"a": 4, "b": 6},
    "two_cats": {"a": 2, "b": 2, "c": 2, "d": 2},
}
LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
TOOLS = ("morphnet", "onnxsim", "onnxsim, simplified", "torch-pruning")


def networks(wanted):
    for name, model, x in export_micro_models.models():
        if name != "embedding" and (not wanted or name in wanted):
            yield name, model.eval(), x
    for name in TORCHVISION:
        if not wanted or name in wanted:
            model = torchvision.models.get_model(name, weights=None, num_classes=10)
            yield name, model.eval(), torch.randn(2, 3, 64, 64)


def layers(model):
    kinds = (torch.nn.modules.conv._ConvNd, torch.nn.Linear)
    return [module for module in model.modules() if isinstance(module, kinds)]


def dead(count, period):
    return [i for i in range(count) if i % period >= period // 2]


def silence(model, periods):
    """Zeroes half of the channels that each layer but the last makes."""
    with torch.no_grad():
        for name, module in model.named_modules():
            is_layer = module in layers(model)[:-1]
            is_norm = isinstance(module, torch.nn.modules.batchnorm._BatchNorm)
            if not is_layer and not is_norm:
                continue
            is_transposed = getattr(module, "transposed", False)
            if is_transposed and module.groups > 1:
                each = module.out_channels // module.groups
                module.weight[:, dead(each, each)] = 0
            else:
                weight = module.weight.transpose(0, 1) if is_transposed else module.weight
                weight[dead(len(weight), periods.get(name, len(weight)))] = 0
            if module.bias is not None:
                count = len(module.bias)
                module.bias[dead(count, periods.get(name, count))] = 0


def outputs(path, x):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]


def flops(morphnet, path):
    text = subprocess.run(
        [morphnet, "cost", path, "--cost", "flops", "--json"], capture_output=True, text=True
    )
    return json.loads(text.stdout)["costs"]["flops"]["total"] if text.returncode == 0 else None


def by_morphnet(morphnet, whole, small, model, x):
    """Keeps the strongest half of what each layer makes and may lose."""
    text = subprocess.run(
        [morphnet, "inspect", whole, "--json"], capture_output=True, text=True, check=True
    )
    counted = json.loads(text.stdout)["layers"]
    keep = {}
    for layer in counted:
        if layer["prunable"] == layer["width"] and layer["op"] in LAYERS:
            keep[layer["name"]] = layer["width"] - layer["width"] // 2
    file = small.with_suffix(".json")
    file.write_text(json.dumps(keep))
    done = subprocess.run(
        [morphnet, "shrink", whole, "--structure", file, "-o", small],
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])


def by_onnxsim(morphnet, whole, small, model, x, simplify=False):
    import onnxsim

    network = onnx.load(whole)
    if simplify:
        network, _ = onnxsim.simplify(network)
    onnx.save(onnxsim.apply_structured_pruning(network, sparsity=0.5), small)


def by_simplified_onnxsim(*arguments):
    by_onnxsim(*arguments, simplify=True)


def by_torch_pruning(morphnet, whole, small, model, x):
    import torch_pruning

    pruner = torch_pruning.pruner.MagnitudePruner(
        model,
        x,
        importance=torch_pruning.importance.MagnitudeImportance(p=2),
        pruning_ratio=0.5,
        ignored_layers=[layers(model)[-1]],
    )
    pruner.step()
    model(x)
    export_micro_models.export(model, x, small, dynamo=True)


FUNCTIONS = dict(
    zip(TOOLS, (by_morphnet, by_onnxsim, by_simplified_onnxsim, by_torch_pruning))
)


def attempt(tool, arguments, queue):
    torch.set_num_threads(1)
    try:
        FUNCTIONS[tool](*arguments)
        queue.put("")
    except Exception as error:  # Any way in which a tool fails is its result.
        queue.put(f"{type(error).__name__}: {str(error).splitlines()[0][:120] if str(error) else ''}")


def run(tool, morphnet, whole, model, x, expected):
    small = whole.with_name("small.onnx")
    small.unlink(missing_ok=True)
    queue = multiprocessing.Queue()
    arguments = (morphnet, whole, small, model, x)
    process = multiprocessing.Process(target=attempt, args=(tool, arguments, queue))
    process.start()
    process.join(TIME_LIMIT)
    if process.is_alive():
        process.kill()
        return {"outcome": f"no end in {TIME_LIMIT} s"}
    failure = queue.get(timeout=5) if not queue.empty() else f"ended with {process.exitcode}"
    if failure:
        return {"outcome": failure}
    try:
        made = outputs(small, x)
    except Exception as error:
        return {"outcome": "ONNX Runtime refuses it: " + str(error).splitlines()[0][:120]}
    whole_flops, left = flops(morphnet, whole), flops(morphnet, small)
    share = left / whole_flops if left is not None and whole_flops else None
    if made.shape != expected.shape:
        return {"outcome": "another shape of output", "flops": share}
    difference = float(numpy.abs(made - expected).max() / numpy.abs(expected).max())
    return {
        "outcome": "unchanged" if share == 1 else "pruned",
        "flops": share,
        "difference": difference,
        "equal": difference <= 1e-4,
    }


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    morphnet = str(pathlib.Path(sys.argv[1]).resolve())
    packages = ("torch", "torchvision", "onnxsim", "torch-pruning", "onnxruntime")
    rows = []
    out, sys.stdout = sys.stdout, sys.stderr  # torch.onnx tells of its progress.
    with tempfile.TemporaryDirectory() as folder:
        whole = pathlib.Path(folder) / "whole.onnx"
        for name, model, x in networks(sys.argv[2:]):
            silence(model, PERIODS.get(name, {}))
            export_micro_models.export(model, x, whole, dynamo=True)
            expected = outputs(whole, x)
            row = {"network": name}
            for tool in TOOLS:
                row[tool] = run(tool, morphnet, whole, model, x, expected)
                print(name, tool, row[tool], file=sys.stderr)
            rows.append(row)
    versions = {package: importlib.metadata.version(package) for package in packages}
    print(json.dumps({"versions": versions, "networks": rows}, indent=1), file=out)


if __name__ == "__main__":
    main()
