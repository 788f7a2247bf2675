#!/usr/bin/env python3
"""Exports the networks of tests/models/onnx/ from PyTorch, without their weights.

Run by hand when the collection changes; the tests need neither PyTorch nor this script. In an
environment of its own (6 GB on disk):

    python3 -m venv ENV
    ENV/bin/pip install torch torchvision timm onnx onnxscript
    ENV/bin/python tests/models/export_models.py                    # the collection
    ENV/bin/python tests/models/export_models.py resnet18 dla34     # some of it
    ENV/bin/python tests/models/export_models.py --out DIR timm:resnet26d@64 tv:swin_t@64+legacy

Each network is exported in evaluation mode with its BatchNormalization kept, by the two recipes of
docs/onnx.md, and stripped: a float tensor of more than 16 elements keeps its name and shape and
points to 'weights.bin', which nobody has; the test fills it in from a seed. Integers and small
tensors stay. The files are gzip'ed without a time stamp, so that the same export is the same file.
"""

import argparse
import gzip
import io
import pathlib
import re
import sys
import time
import warnings

import onnx
import torch

FOLDER = pathlib.Path(__file__).resolve().parent / "onnx"
MOST_KEPT = 16
CLASSES = 10

# Networks by their name in the collection: SOURCE:MODEL@PIXELS, and +legacy for the exporter before
# dynamo. SOURCE is tv (torchvision), timm, or own (below).
COLLECTION = {
    "resnet18": "tv:resnet18@64",
    "resnet18-legacy": "tv:resnet18@64+legacy",
    "shufflenet_v2_x1_0": "tv:shufflenet_v2_x1_0@64",
    "shufflenet_v2_x1_0-legacy": "tv:shufflenet_v2_x1_0@64+legacy",
    "mobilenet_v3_large": "tv:mobilenet_v3_large@64",
    "mobilenet_v3_large-legacy": "tv:mobilenet_v3_large@64+legacy",
    "resnet50": "tv:resnet50@64",
    "resnext50_32x4d": "tv:resnext50_32x4d@64",
    "wide_resnet50_2": "tv:wide_resnet50_2@64",
    "densenet121": "tv:densenet121@64",
    "densenet121-legacy": "tv:densenet121@64+legacy",
    "vgg16_bn": "own:vgg16_bn@64",
    "googlenet": "tv:googlenet@64",
    "inception_v3": "tv:inception_v3@96",
    "mobilenet_v2": "tv:mobilenet_v2@64",
    "mobilenet_v3_small": "tv:mobilenet_v3_small@64",
    "efficientnet_b0": "tv:efficientnet_b0@64",
    "efficientnet_b0-legacy": "tv:efficientnet_b0@64+legacy",
    "efficientnet_v2_s": "tv:efficientnet_v2_s@64",
    "mnasnet1_0": "tv:mnasnet1_0@64",
    "regnet_y_400mf": "tv:regnet_y_400mf@64",
    "squeezenet1_1": "tv:squeezenet1_1@64",
    "convnext_tiny": "tv:convnext_tiny@64",
    "convnext_tiny-legacy": "tv:convnext_tiny@64+legacy",
    "deeplabv3_mobilenet_v3_large": "own:deeplabv3_mobilenet_v3_large@96",
    "lraspp_mobilenet_v3_large": "own:lraspp_mobilenet_v3_large@96",
    "fcn_resnet50": "own:fcn_resnet50@64",
    "ssdlite320_backbone": "own:ssdlite320_backbone@128",
    "res2net50_26w_4s": "timm:res2net50_26w_4s@64",
    "hrnet_w18_small": "timm:hrnet_w18_small@64",
    "dla34": "timm:dla34@64",
    "dpn68": "timm:dpn68@64",
    "skresnet18": "timm:skresnet18@64",
    "ecaresnet26t": "timm:ecaresnet26t@64",
    "ghostnet_100": "timm:ghostnet_100@64",
    "repvgg_a0": "timm:repvgg_a0@64",
    "cspdarknet53": "timm:cspdarknet53@64",
    "eca_nfnet_l0": "timm:eca_nfnet_l0@64",
    "nf_resnet50": "timm:nf_resnet50@64",
    "ese_vovnet19b_dw": "timm:ese_vovnet19b_dw@64",
    "unet": "own:unet@64",
    "unet-legacy": "own:unet@64+legacy",
    "vit_b_16": "own:vit_b_16@64",
    "vit_b_16-legacy": "own:vit_b_16@64+legacy",
    "alexnet": "own:alexnet@64",
    "r3d_18-legacy": "own:r3d_18@32+legacy",
    "mixnet_s": "timm:mixnet_s@64",
    "res2net50_26w_4s-legacy": "timm:res2net50_26w_4s@64+legacy",
    "skresnet18-legacy": "timm:skresnet18@64+legacy",
}


class Outputs(torch.nn.Module):
    """A module that returns a dict, returning its values."""

    def __init__(self, module, keys=None):
        super().__init__()
        self.module, self.keys = module, keys

    def forward(self, x):
        values = self.module(x)
        return tuple(values[key] for key in self.keys or values)


class UNet(torch.nn.Module):
    """Four levels, transposed convolutions on the way up (Ronneberger et al. 2015)."""

    def __init__(self, widths=(32, 64, 128, 256)):
        super().__init__()
        nn = torch.nn

        def block(inputs, outputs):
            return nn.Sequential(
                nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
                nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())

        self.down = nn.ModuleList(block(i, o) for i, o in zip((3, *widths), widths))
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(o, i, 2, 2) for i, o in zip(widths, widths[1:]))
        self.merge = nn.ModuleList(block(2 * width, width) for width in widths[:-1])
        self.head = nn.Conv2d(widths[0], CLASSES, 1)

    def forward(self, x):
        skips = []
        for level in self.down:
            x = level(x if not skips else torch.nn.functional.max_pool2d(x, 2))
            skips.append(x)
        for up, merge, skip in reversed(list(zip(self.up, self.merge, skips))):
            x = merge(torch.cat([skip, up(x)], 1))
        return self.head(x)


def narrow_classifier(model):
    """Hidden layers of 256 where 4,096 would make files of half a gigabyte in the test."""
    features = next(m for m in model.classifier if isinstance(m, torch.nn.Linear)).in_features
    model.classifier = torch.nn.Sequential(
        torch.nn.Linear(features, 256), torch.nn.ReLU(True), torch.nn.Dropout(),
        torch.nn.Linear(256, 256), torch.nn.ReLU(True), torch.nn.Dropout(),
        torch.nn.Linear(256, CLASSES))
    return model


def build_own(name, pixels):
    from torchvision import models
    fresh = {"weights": None, "weights_backbone": None, "num_classes": CLASSES}
    if name == "unet":
        return UNet()
    if name in ("vgg16_bn", "alexnet", "vgg16"):
        return narrow_classifier(getattr(models, name)(weights=None))
    if name == "vit_b_16":
        return models.vit_b_16(weights=None, image_size=pixels, num_classes=CLASSES)
    if name == "ssdlite320_backbone":
        return Outputs(models.detection.ssdlite320_mobilenet_v3_large(**fresh).backbone)
    if name in ("r3d_18", "mc3_18", "r2plus1d_18", "s3d"):
        return getattr(models.video, name)(weights=None, num_classes=CLASSES)
    return Outputs(getattr(models.segmentation, name)(**fresh), ["out"])


def build(source, name, pixels):
    if source == "own":
        return build_own(name, pixels)
    if source == "timm":
        import timm
        options = {}
        if re.search(r"swin|vit|deit|cait|xcit|coat|maxvit|pvt|levit|twins|crossvit|beit|mixer|"
                     r"convit|pit_|focalnet|davit|maxxvit|gcvit|volo|hiera|mvit", name):
            options = {"img_size": pixels}
        try:
            return timm.create_model(name, pretrained=False, num_classes=CLASSES, **options)
        except TypeError:
            return timm.create_model(name, pretrained=False, num_classes=CLASSES)
    from torchvision import models
    options = {}
    if name in ("googlenet", "inception_v3"):
        options = {"aux_logits": False, "init_weights": False}
    return getattr(models, name)(weights=None, num_classes=CLASSES, **options)


def make_distinct(model):
    """No two tensors may be equal: exporters merge what is."""
    generator = torch.Generator().manual_seed(0)
    for tensor in [*model.parameters(), *model.buffers()]:
        if tensor.is_floating_point() and tensor.numel() > 1:
            tensor.data.add_(torch.rand(tensor.shape, generator=generator) * 1e-3)


def export(model, example, is_legacy):
    file = io.BytesIO()
    names = {"input_names": ["input"]}
    if is_legacy:
        torch.onnx.export(model, (example,), file, dynamo=False, opset_version=17,
                          training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
                          dynamic_axes={"input": {0: "batch"}}, **names)
        return onnx.load_from_string(file.getvalue())
    program = torch.onnx.export(model, (example,), dynamo=True, optimize=False, external_data=False,
                                verbose=False,
                                dynamic_shapes=({0: torch.export.Dim("batch")},), **names)
    return program.model_proto


def strip_tensor(tensor):
    count = 1
    for size in tensor.dims:
        count *= size
    is_float = tensor.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)
    if not is_float or count <= MOST_KEPT:
        return
    for field in ("raw_data", "float_data", "external_data", "doc_string"):
        tensor.ClearField(field)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")


def strip(proto):
    """The model without weights, and without what a reader does not need."""
    for tensor in proto.graph.initializer:
        strip_tensor(tensor)
    for owner in [proto, proto.graph, *proto.graph.node, *proto.graph.initializer,
                  *proto.graph.input, *proto.graph.output, *proto.functions]:
        for field in ("doc_string", "metadata_props", "value_info"):
            try:
                owner.ClearField(field)
            except ValueError:
                pass
    return proto


def make(specification):
    source, name, pixels, exporter = re.fullmatch(
        r"(\w+):(\w[\w.]*)@(\d+)(\+legacy)?", specification).groups()
    pixels = int(pixels)
    torch.manual_seed(0)
    model = build(source, name, pixels).eval()
    make_distinct(model)
    size = (2, 3, 8, pixels, pixels) if name in ("r3d_18", "mc3_18", "r2plus1d_18") else (2, 3, pixels, pixels)
    if name == "s3d":
        size = (2, 3, 16, pixels, pixels)
    proto = strip(export(model, torch.randn(size), exporter is not None))
    proto.graph.name = name
    return proto.SerializeToString(deterministic=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", help="names of the collection, or SOURCE:MODEL@PIXELS[+legacy]")
    parser.add_argument("--out", type=pathlib.Path, default=FOLDER)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore")
    failures = 0
    for wanted in arguments.networks or COLLECTION:
        specification = COLLECTION.get(wanted, wanted)
        name = wanted if wanted in COLLECTION else re.sub(r"\w+:|@.*?(?=\+|$)", "", wanted).replace("+", "-")
        began = time.time()
        try:
            data = gzip.compress(make(specification), 9, mtime=0)
        except Exception as error:  # noqa: BLE001: an exporter may raise anything.
            failures += 1
            message = (str(error).splitlines() or [""])[0][:150]
            print(f"{name}: not exported: {type(error).__name__}: {message}", flush=True)
            continue
        (arguments.out / f"{name}.onnx.gz").write_bytes(data)
        print(f"{name}: {len(data):,} bytes, {time.time() - began:.0f} s", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
