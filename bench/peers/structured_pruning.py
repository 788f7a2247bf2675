"""Structured pruning by morphnet, onnxsim and Torch-Pruning of the same networks, as JSON.

    python3 bench/peers/structured_pruning.py build/release/morphnet [NAME ...] > results.json
    python3 bench/peers/structured_pruning.py --add results.json build/release/morphnet [NAME ...]
    python3 bench/peers/pruning_tables.py results.json    # the tables of docs/peers.md

Needs torch, torchvision, timm, onnx, onnxscript, onnxruntime, onnxsim and torch-pruning. The networks
are the micro-models of tests/models and real ones of its collection, with weights from a seed, exported
by the second recipe of docs/onnx.md. (Files of the first one compute the zero biases of convolutions,
so that onnxsim's `simplify` leaves BatchNormalization there, and then nothing is pruned.) --add keeps
the other rows of the file and replaces those of the networks named.

**What each tool is asked for**: half of the channels of every layer but the last, the weakest ones, by
its own measure of magnitude and its own idea of what belongs together, within 60 seconds of processor
time for each of its processes. Which channels these are is its choice.

**What is held against the result.** All elements of a parameter differ from each other, so the values
of a cut network tell which elements of the whole one it kept. The reference is the whole network with
all others set to zero. Where channels were removed consistently, what makes a removed channel and what
reads it are zero, so the reference computes exactly what the cut network should, whatever comes between
(a sigmoid of zero is not zero, but nothing reads it). Nothing is assumed about which channels are tied.
Where a tool mixed up channels, other rows and columns are zero than belong together, or sums pair other
channels, and the outputs differ. The rule is the same for all tools, with these details:

- onnxsim after its `simplify`: the whole network is the simplified one.
- A tool may change kept values on purpose: morphnet folds what a removed channel still gives (f(bias))
  into the biases behind it, and merges computed weights into plain ones. Changed biases, means and
  variances are taken to be kept where the weights beside them are. Then the tool is run a second time,
  on the reference: there nothing is left to fold, and it must leave the outputs as they are. The whole
  network is what `morphnet convert` writes where weights are computed, if that gives the same outputs.
- LayerNorm over channels and standardised weights take means over what is left, and attention divides
  by the square root of what is left of a head, so removing zeros changes them. Torch-Pruning does this
  knowingly, and training follows. Such results are not equal; "equal_renormed" says whether they are
  once the reference counts kept elements only.
- Torch-Pruning is told what its documentation asks for: the last layer is left alone, how many heads an
  attention has, and what its example does for torchvision's networks.

For each network and tool:

    outcome     "pruned", "unchanged", or what went wrong
    removed     share of the whole network's FLOPs that is gone, counted by `morphnet cost`
    difference  max |cut - reference| / max |reference|, in ONNX Runtime (Torch-Pruning: in PyTorch)
    equal       true up to 1e-4; null if it could not be judged, with "why"
    effect      max |whole - reference| / max |whole|: how much the comparison can see
"""

import collections
import copy
import datetime
import importlib.metadata
import json
import multiprocessing
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile
import warnings

import numpy
import onnx
import onnxruntime
import onnxsim
import torch
import torch.nn.functional
import torch_pruning

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "models"))
import export_micro_models  # noqa: E402
import export_models  # noqa: E402
from kept_elements import is_distinct, is_whole, kept_by_name, what_was_kept  # noqa: E402
from pruning_tables import TOOLS, summary  # noqa: E402

TIME_LIMIT = 60
WAITING_LIMIT = 900
TOLERANCE = 1e-4
REAL = (
    "resnet18", "squeezenet1_1", "mobilenet_v2", "shufflenet_v2_x1_0", "mnasnet1_0", "unet",
    "googlenet", "mobilenet_v3_large", "efficientnet_b0", "regnet_y_400mf", "ghostnet_100",
    "skresnet18", "ese_vovnet19b_dw", "repvgg_a0", "dla34", "hrnet_w18_small", "resnet50",
    "resnext50_32x4d", "densenet121", "inception_v3", "res2net50_26w_4s", "cspdarknet53",
    "eca_nfnet_l0", "vgg16_bn", "convnext_tiny", "vit_b_16", "alexnet", "nf_resnet50", "mixnet_s",
)
# Where the exporter refuses the adaptive pooling of smaller images.
PIXELS = {"vgg16_bn": 224, "alexnet": 224}
LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "GRU", "RNN")
PACKAGES = ("torch", "torchvision", "timm", "onnx", "onnxruntime", "onnxsim", "torch-pruning")


# Networks


def networks(wanted):
    """(name, whether it is real, model, examples) of those that are wanted."""
    micro = export_micro_models.models()
    for name, model, x in micro:
        if not wanted or name in wanted:
            yield name, False, model.eval(), x
    for name in REAL:
        if not wanted or name in wanted:
            source, network, pixels = re.fullmatch(
                r"(\w+):(\w+)@(\d+)", export_models.COLLECTION[name]
            ).groups()
            size = PIXELS.get(name, int(pixels))
            torch.manual_seed(0)
            model = export_models.build(source, network, size)
            yield name, True, model.eval(), torch.randn(2, 3, size, size)


def distinct(count, generator):
    """Numbers in (-1, 1), none of them 0, no two of them equal."""
    return (2 * torch.randperm(count, generator=generator) + 1 - count) / (count + 1)


def fill(model, x):
    """Parameters of which no two elements are equal, and statistics that fit them."""
    generator = torch.Generator().manual_seed(0)
    matrices = collections.Counter()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            count, rows = parameter.numel(), len(parameter) if parameter.ndim else 1
            # An even count of integers around 0 leaves 0 out; so does an odd one, one longer.
            values = distinct(count + count % 2, generator)[:count].reshape(parameter.shape)
            if count > rows:
                parameter.copy_(values * (6 * rows / count) ** 0.5)
                if parameter.ndim == 2:  # A file may rename matrices: no two have the same values.
                    parameter.mul_(1 + matrices[parameter.shape] / 1000)
                    matrices[parameter.shape] += 1
            elif "bias" in name:
                parameter.copy_(values / 4)
            else:
                parameter.copy_(1 + values / 2)
        norms = [
            m for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)
        ]
        for norm in norms:
            norm.train()
            norm.momentum = 1
        if norms:
            model(torch.randn(16, *x.shape[1:], generator=generator))
        for norm in norms:
            norm.eval()
            norm.momentum = 0.1
            count = len(norm.running_var)
            noise = 1 + distinct(count + count % 2, generator)[:count] / 100
            norm.running_var.clamp_(min=1e-2).mul_(noise)
            norm.running_mean.add_(noise - 1)


# Files


def stored(network):
    """(name, tensor) of all initializers and Constants of floating-point numbers."""
    found = [(tensor.name, tensor) for tensor in network.graph.initializer]
    for node in network.graph.node:
        if node.op_type == "Constant":
            found += [(node.output[0], a.t) for a in node.attribute if a.name == "value"]
    return [pair for pair in found if pair[1].data_type == onnx.TensorProto.FLOAT]


def tensors(network):
    return {name: onnx.numpy_helper.to_array(tensor) for name, tensor in stored(network)}


def neighbours(network):
    """The weight that each bias, mean or variance is read beside."""
    found = {}
    for node in network.graph.node:
        if node.op_type in ("Conv", "ConvTranspose", "Gemm", "BatchNormalization"):
            found |= {name: node.input[1] for name in node.input[2:]}
    return found


def transposed_weights(network):
    found = {}
    for node in network.graph.node:
        if node.op_type == "ConvTranspose":
            groups = [a.i for a in node.attribute if a.name == "group"]
            found[node.input[1]] = groups[0] if groups else 1
    return found


def silenced(network, masks):
    """A copy with zeros where the masks have them; variances stay."""
    made = onnx.ModelProto()
    made.CopyFrom(network)
    for name, tensor in stored(made):
        mask = masks.get(name)
        if mask is not None and not mask.all() and not name.endswith("running_var"):
            values = onnx.numpy_helper.to_array(tensor) * mask
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    return made


def separate(network):
    """Moves equal elements of a tensor apart by the least there is; computed weights may have such."""
    for _, tensor in stored(network):
        values = onnx.numpy_helper.to_array(tensor).copy()
        if values.size < 2 or is_distinct(values) or numpy.unique(values).size < 0.9 * values.size:
            continue
        order = numpy.argsort(values, axis=None)
        flat = values.reshape(-1)
        for before, at in zip(order, order[1:]):
            if flat[at] <= flat[before]:
                flat[at] = numpy.nextafter(flat[before], numpy.float32(numpy.inf))
        tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))


# Running


def outputs(network, x):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    source = network.SerializeToString() if isinstance(network, onnx.ModelProto) else str(network)
    session = onnxruntime.InferenceSession(source, options, ["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]


def distance(made, expected):
    return float(numpy.abs(made - expected).max() / max(numpy.abs(expected).max(), 1e-30))


def flops(morphnet, path):
    text = subprocess.run(
        [morphnet, "cost", path, "--cost", "flops", "--json"], capture_output=True, text=True
    )
    return json.loads(text.stdout)["costs"]["flops"]["total"] if text.returncode == 0 else None


def removed(morphnet, whole, small):
    before, after = flops(morphnet, whole), flops(morphnet, small)
    return round(1 - after / before, 4) if before and after is not None else None


def verdict(made, expected, whole, share):
    if made.shape != expected.shape:
        return {"outcome": f"output of shape {list(made.shape)}", "removed": share}
    row = {"outcome": "unchanged" if share == 0 else "pruned", "removed": share}
    row["difference"] = float(f"{distance(made, expected):.3g}")
    row["equal"] = row["difference"] <= TOLERANCE
    row["effect"] = float(f"{distance(expected, whole):.3g}")
    return row


# The tools, each of which writes `small`


def morphnet_says(task, *arguments):
    """What it prints, or None and its error."""
    text = subprocess.run([task["morphnet"], *arguments], capture_output=True, text=True)
    if text.returncode == -signal.SIGXCPU:
        raise TimeoutError
    if text.returncode != 0:
        return None, (text.stderr.strip().splitlines() or [f"exit status {text.returncode}"])[-1]
    return text.stdout, None


def by_morphnet(task, whole, small):
    """Keeps the strongest half of what each layer makes and may lose, or the next number it takes."""
    text, error = morphnet_says(task, "inspect", whole, "--json")
    if error:
        raise RuntimeError(error)
    keep = {
        layer["name"]: layer["width"] - layer["prunable"] // 2
        for layer in json.loads(text)["layers"]
        if layer["prunable"] and layer["op"] in LAYERS
    }
    file = small.with_suffix(".json")
    for _ in range(100):
        file.write_text(json.dumps(keep))
        _, error = morphnet_says(task, "shrink", whole, "--structure", file, "-o", small)
        if not error:
            return
        # Channels that come and go several at a time do not always allow just one half, and what
        # is tied by parts may need other numbers: then the layer follows those that are named.
        refused = re.search(r"structure: '(.+?)' (cannot have|is to have) (\d+) channels", error)
        if not refused or refused[1] not in keep:
            break
        if refused[2] == "cannot have":
            keep[refused[1]] = int(refused[3]) + 1
        else:
            del keep[refused[1]]
    raise RuntimeError(error)


def by_onnxsim(task, whole, small):
    onnx.save(onnxsim.apply_structured_pruning(onnx.load(whole), sparsity=0.5), small)


def by_torch_pruning(task, model):
    layers = (torch.nn.modules.conv._ConvNd, torch.nn.Linear)
    # As in its own example for torchvision's networks: gradients, round_to and hidden_dim.
    is_vit = type(model).__name__ == "VisionTransformer" and hasattr(model, "conv_proj")
    heads = {m: m.num_heads for m in model.modules() if isinstance(m, torch.nn.MultiheadAttention)}
    if task["name"] == "attention":
        heads[model.qkv] = 2
    model.requires_grad_(True)
    pruner = torch_pruning.pruner.MagnitudePruner(
        model,
        task["x"],
        importance=torch_pruning.importance.MagnitudeImportance(p=2),
        pruning_ratio=0.5,
        round_to=model.encoder.layers[0].num_heads if is_vit else None,
        num_heads=heads,
        ignored_layers=[[m for m in model.modules() if isinstance(m, layers)][-1]],
    )
    pruner.step()
    if is_vit:
        model.hidden_dim = model.conv_proj.out_channels


# Judging


def judge_onnx(task, whole, small, again):
    """The verdict on an ONNX file; `again` cuts another one, for a tool that changes weights."""
    x = task["x"]
    try:
        made = outputs(small, x)
    except Exception as error:
        return {"outcome": "does not run: " + message(error, task)}
    share = removed(task["morphnet"], whole, small)
    network = onnx.load(whole)
    expected = outputs(network, x)
    masks, unknown, pure = what_was_kept(
        tensors(network), tensors(onnx.load(small)), neighbours(network), transposed_weights(network)
    )
    if unknown:
        why = f"cannot tell what it kept of {len(unknown)} tensors, {unknown[0]} one of them"
        return {"outcome": "pruned", "removed": share, "equal": None, "why": why}
    share = 0.0 if share is None and pure and is_whole(masks) else share
    reference = silenced(network, masks)
    if not pure:
        path = whole.with_name("reference.onnx")
        onnx.save(reference, path)
        again(task, path, small)
        made = outputs(small, x)
    row = verdict(made, outputs(reference, x), expected, share)
    if not pure:
        row["judged"] = "run again on the reference"
    return row


def judge_morphnet(task, whole, small):
    row = judge_onnx(task, whole, small, by_morphnet)
    if "why" not in row:
        return row
    converted = whole.with_name("converted.onnx")
    subprocess.run(
        [task["morphnet"], "convert", whole, "-o", converted], capture_output=True, check=True
    )
    if distance(outputs(converted, task["x"]), outputs(whole, task["x"])) > TOLERANCE:
        return row
    network = onnx.load(converted)
    separate(network)
    onnx.save(network, converted)
    by_morphnet(task, converted, small)
    row = judge_onnx(task, converted, small, by_morphnet)
    row["judged"] = "; ".join([*filter(None, [row.get("judged")]), "against the converted network"])
    return row


class OverKept:
    """Within it, LayerNorm, standardisation and attention count only elements that are not zero."""

    NAMES = ("layer_norm", "batch_norm", "scaled_dot_product_attention")

    def __enter__(self):
        self.saved = {name: getattr(torch.nn.functional, name) for name in self.NAMES}
        for name in self.NAMES:
            setattr(torch.nn.functional, name, getattr(self, name))
        torch.backends.mha.set_fastpath_enabled(False)

    def __exit__(self, *_):
        for name in self.NAMES:
            setattr(torch.nn.functional, name, self.saved[name])
        torch.backends.mha.set_fastpath_enabled(True)

    def layer_norm(self, x, shape, weight=None, bias=None, eps=1e-5):
        if weight is None or weight.ndim != 1 or bool((weight != 0).all()):
            return self.saved["layer_norm"](x, shape, weight, bias, eps)
        kept = weight != 0
        made = torch.zeros_like(x)
        count = int(kept.sum())
        made[..., kept] = self.saved["layer_norm"](x[..., kept], (count,), weight[kept], bias[kept], eps)
        return made

    def batch_norm(self, x, mean, var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
        if mean is not None or not training or x.ndim != 3 or len(x) != 1:
            return self.saved["batch_norm"](x, mean, var, weight, bias, training, momentum, eps)
        kept = (x != 0).float()
        count = kept.sum((0, 2), keepdim=True).clamp(min=1)
        centred = (x - x.sum((0, 2), keepdim=True) / count) * kept
        spread = (centred.square().sum((0, 2), keepdim=True) / count + eps).sqrt()
        return centred / spread * (1 if weight is None else weight.reshape(1, -1, 1))

    def scaled_dot_product_attention(self, q, k, v, *more, **options):
        kept = (q != 0).any(2, keepdim=True).any(0, keepdim=True).sum(3, keepdim=True).clamp(min=1)
        q = q * (q.shape[3] / kept).sqrt()
        return self.saved["scaled_dot_product_attention"](q, k, v, *more, **options)


def judge_torch(task, model, cut):
    """The verdict on a PyTorch module against the one that it was."""
    x = task["x"]
    with torch.no_grad():
        try:
            made = cut(x).numpy()
        except Exception as error:
            return {"outcome": "does not run: " + message(error, task)}
        expected = model(x).numpy()
        whole = {name: p.detach().numpy() for name, p in model.named_parameters()}
        small = {name: p.detach().numpy() for name, p in cut.named_parameters()}
        masks = {}
        used = kept_by_name(whole, small, masks)
        share = None
        try:
            path = task["whole"].with_name("small.onnx")
            with torch.enable_grad():  # Without, PyTorch takes an attention that ONNX has not.
                export(cut, x, path)
            share = removed(task["morphnet"], task["whole"], path)
        except Exception as error:
            print("not exported:", message(error, task), file=sys.stderr)
        if used != set(small):
            lost = sorted(set(small) - used)
            why = f"cannot tell what it kept of {len(lost)} tensors, {lost[0]} one of them"
            return {"outcome": "pruned", "removed": share, "equal": None, "why": why}
        share = 0.0 if share is None and is_whole(masks) else share
        reference = copy.deepcopy(model)
        for name, parameter in reference.named_parameters():
            parameter.mul_(torch.from_numpy(masks[name]))
        row = verdict(made, reference(x).numpy(), expected, share)
        if row.get("equal") is False:
            with OverKept():
                row["difference_renormed"] = float(f"{distance(made, reference(x).numpy()):.3g}")
            row["equal_renormed"] = row["difference_renormed"] <= TOLERANCE
    return row


def message(error, task):
    text = (str(error).strip().splitlines() or [""])[0]
    text = text.replace(str(task["whole"].parent) + "/", "")
    text = re.sub(r"/\w+(/[\w.+-]+)*/", lambda path: "" if pathlib.Path(path[0]).is_dir() else path[0], text)
    return f"{type(error).__name__}: {text[:160]}"


def export(model, x, path):
    export_micro_models.export(model, x, path, dynamo=False)


def steps(tool, task):
    """(what the tool does, what is done with the result)"""
    whole = task["whole"]
    small = whole.with_name("small.onnx")
    small.unlink(missing_ok=True)
    if tool == "torch-pruning":
        cut = copy.deepcopy(task["model"])
        return lambda: by_torch_pruning(task, cut), lambda: judge_torch(task, task["model"], cut)
    if tool == "morphnet":
        return (lambda: by_morphnet(task, whole, small)), lambda: judge_morphnet(task, whole, small)
    if tool == "onnxsim, simplified":
        network, _ = onnxsim.simplify(onnx.load(whole))
        separate(network)
        whole = whole.with_name("simplified.onnx")
        onnx.save(network, whole)
    return (lambda: by_onnxsim(task, whole, small)), lambda: judge_onnx(task, whole, small, by_onnxsim)


def attempt(tool, task, pipe):
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    try:
        cut, judge = steps(tool, task)
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime) + TIME_LIMIT
        unlimited = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (limit, unlimited[1]))
        cut()
        resource.setrlimit(resource.RLIMIT_CPU, unlimited)
    except TimeoutError:
        pipe.send({"outcome": f"no end in {TIME_LIMIT} s"})
        return
    except Exception as error:  # Any way in which a tool fails is its result.
        pipe.send({"outcome": "fails: " + message(error, task)})
        return
    try:
        pipe.send(judge())
    except Exception as error:
        pipe.send({"outcome": "pruned", "equal": None, "why": "judging: " + message(error, task)})


def run(tool, task):
    mine, its = multiprocessing.Pipe()
    process = multiprocessing.Process(target=attempt, args=(tool, task, its))
    process.start()
    its.close()
    try:
        return mine.recv() if mine.poll(WAITING_LIMIT) else {"outcome": "no end"}
    except EOFError:
        process.join()
        if process.exitcode == -signal.SIGXCPU:
            return {"outcome": f"no end in {TIME_LIMIT} s"}
        return {"outcome": f"crashes: exit status {process.exitcode}"}
    finally:
        process.kill()
        process.join()


# Results


def save(rows, versions, path):
    results = {"date": datetime.date.today().isoformat(), "versions": versions}
    results |= {"seconds_allowed": TIME_LIMIT, "tolerance": TOLERANCE}
    results |= {"summary": summary(rows), "networks": rows}
    text = json.dumps(results, indent=1) + "\n"
    path.write_text(text) if path else sys.stdout.write(text)


def main():
    arguments = sys.argv[1:]
    path = pathlib.Path(arguments[1]) if arguments[:1] == ["--add"] else None
    arguments = arguments[2:] if path else arguments
    if not arguments:
        sys.exit(__doc__)
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    morphnet = str(pathlib.Path(arguments[0]).resolve())
    versions = {package: importlib.metadata.version(package) for package in PACKAGES}
    version = subprocess.run([morphnet, "--version"], capture_output=True, text=True, check=True)
    versions["morphnet"] = re.search(r"morphnet ([\d.]+)", version.stdout).group(1)
    rows = json.loads(path.read_text())["networks"] if path and path.exists() else []
    out, sys.stdout = sys.stdout, sys.stderr  # torch.onnx tells of its progress.
    with tempfile.TemporaryDirectory() as folder:
        for name, is_real, model, x in networks(arguments[1:]):
            whole = pathlib.Path(folder) / "whole.onnx"
            fill(model, x)
            export(model, x, whole)
            task = {"name": name, "morphnet": morphnet, "whole": whole, "model": model, "x": x}
            row = {"network": name, "real": is_real}
            for tool in TOOLS:
                row[tool] = run(tool, task)
                print(name, tool, row[tool], file=sys.stderr, flush=True)
            rows = [other for other in rows if other["network"] != name] + [row]
            if path:
                save(rows, versions, path)
    sys.stdout = out
    if not path:
        save(rows, versions, None)


if __name__ == "__main__":
    main()
