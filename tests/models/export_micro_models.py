"""Exports the micro-models of tests/checkpoint/micro_models_test.cpp: one hard pattern each.

    python3 tests/models/export_micro_models.py [NAME ...]

writes tests/models/micro/NAME.onnx. Needs torch and onnxscript from PyPI; the files in the
repository are from torch 2.15.0. Each has small weights from a fixed seed. `_legacy` at the end of
a name: the TorchScript exporter; else the one that is the default since torch 2.9, with the
arguments that docs/onnx.md recommends.
"""

import pathlib
import sys

import onnx
import torch
import torch.nn.functional as F
from torch import nn

FOLDER = pathlib.Path(__file__).parent / "micro"


class Net(nn.Module):
    """A network from a function; modules and parameters are keywords."""

    def __init__(self, forward, **parts):
        super().__init__()
        self.function = forward
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self.function(self, x)


def conv(i, o, k=3, **more):
    return nn.Conv2d(i, o, k, padding=k // 2, **more)


def pooled(x):
    return x.mean((2, 3))


def glu(m, x):
    return m.fc(pooled(F.glu(m.a(x), 1)))


def split_unequal(m, x):
    a, b = torch.split(m.a(x), [12, 20], 1)
    return m.fc(torch.cat([pooled(m.b(a)), pooled(m.c(b))], 1))


def channel_slice(m, x):
    return m.fc(pooled(m.b(F.relu(m.a(x))[:, 8:24])))


def shuffled(x, groups):
    n, c, h, w = x.shape
    return x.reshape(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)


def channel_shuffle(m, x):
    return m.fc(pooled(m.b(shuffled(F.relu(m.a(x)), 2))))


def pixel_shuffle(m, x):
    return pooled(m.b(F.pixel_shuffle(m.a(x), 2)))


def chain(*names):
    def run(m, x):
        for name in names:
            x = getattr(m, name)(x)
        return m.fc(pooled(x))

    return run


def linear_view_conv(m, x):
    return pooled(m.b(F.relu(m.a(x)).view(-1, 8, 4, 4)))


def functional_conv(m, x):
    return m.fc(pooled(F.relu(F.conv2d(m.a(x), m.raw, padding=1))))


def one_channel_gate(m, x):
    y = F.relu(m.a(x))
    return m.fc(pooled(y * torch.sigmoid(m.gate(y))))


def frozen(m, x):
    return m.fc(pooled(F.relu(m.bn(m.a(x)))))


def shared(m, x):
    return m.fc(pooled(F.relu(m.b(F.relu(m.b(F.relu(m.a(x))))))))


def detached(m, x):
    y = F.relu(m.a(x))
    return m.fc(pooled(y + m.b(y).detach()))


def mean_broadcast(m, x):
    y = m.a(x)
    return m.fc(pooled(F.relu(m.b(y - y.mean((2, 3), keepdim=True)))))


def two_cats(m, x):
    p, q, r, s = m.a(x), m.b(x), m.c(x), m.d(x)
    return m.fc(pooled(F.relu(torch.cat([p, q], 1) + torch.cat([r, s], 1))))


def squeeze_excitation(m, x):
    y = F.relu(m.a(x))
    weight = torch.sigmoid(m.up(F.relu(m.down(y.mean((2, 3), keepdim=True)))))
    return m.fc(pooled(y * weight))


def conv1d(m, x):
    return m.fc(F.relu(m.b(F.relu(m.a(x)))).mean(2))


def conv3d(m, x):
    return m.fc(F.relu(m.b(F.relu(m.a(x)))).mean((2, 3, 4)))


def flattened(m, x):
    return m.fc(torch.flatten(F.relu(m.a(x)), 1))


def attention(m, x):
    y = m.a(x)
    n, steps, width = y.shape
    q, k, v = m.qkv(y).reshape(n, steps, 3, 2, width // 2).permute(2, 0, 3, 1, 4)
    z = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, steps, width)
    return m.fc((y + m.out(z)).mean(1))


def multihead_attention(m, x):
    y = m.a(x)
    return m.fc((y + m.mha(y, y, y, need_weights=False)[0]).mean(1))


def recurrent(m, x):
    y, _ = m.rnn(F.relu(m.a(x)))
    return m.fc(y[:, -1])


def recurrent_states(m, x):
    y, _ = m.rnn(F.relu(m.a(x)))
    return m.fc(y.mean(1))


def embedding(m, x):
    return m.fc(F.relu(m.a(m.table(x))).mean(1))


def models():
    torch.manual_seed(20261)
    image = torch.randn(2, 3, 8, 8)
    row = torch.randn(2, 6, 8)
    steps = torch.randn(2, 5, 6)
    yield "glu", Net(glu, a=conv(3, 32), fc=nn.Linear(16, 4)), image
    yield "split_unequal", Net(
        split_unequal, a=conv(3, 32), b=conv(12, 8), c=conv(20, 8), fc=nn.Linear(16, 4)
    ), image
    yield "channel_slice", Net(
        channel_slice, a=conv(3, 32), b=conv(16, 8), fc=nn.Linear(8, 4)
    ), image
    yield "channel_shuffle", Net(
        channel_shuffle, a=conv(3, 20), b=conv(20, 8), fc=nn.Linear(8, 4)
    ), image
    yield "pixel_shuffle", Net(pixel_shuffle, a=conv(3, 32), b=conv(8, 4)), image
    yield "grouped_conv", Net(
        chain("a", "b"), a=conv(3, 16), b=conv(16, 24, groups=4), fc=nn.Linear(24, 4)
    ), image
    yield "grouped_transposed", Net(
        chain("a", "b"),
        a=conv(3, 16),
        b=nn.ConvTranspose2d(16, 24, 2, stride=2, groups=4),
        fc=nn.Linear(24, 4),
    ), image
    yield "transposed", Net(
        chain("a", "b"), a=conv(3, 16), b=nn.ConvTranspose2d(16, 12, 3, stride=2),
        fc=nn.Linear(12, 4),
    ), image
    yield "depthwise", Net(
        chain("a", "b", "c"), a=conv(3, 12), b=conv(12, 12, groups=12), c=conv(12, 8, 1),
        fc=nn.Linear(8, 4),
    ), image
    yield "depthwise_doubled", Net(
        chain("a", "b", "c"), a=conv(3, 12), b=conv(12, 24, groups=12), c=conv(24, 8, 1),
        fc=nn.Linear(8, 4),
    ), image
    yield "linear_view_conv", Net(
        linear_view_conv, a=nn.Linear(10, 128), b=conv(8, 4)
    ), torch.randn(2, 10)
    yield "functional_conv", Net(
        functional_conv, a=conv(3, 8), raw=nn.Parameter(torch.randn(16, 8, 3, 3) / 8),
        fc=nn.Linear(16, 4),
    ), image
    yield "one_channel_gate", Net(
        one_channel_gate, a=conv(3, 16), gate=conv(16, 1), fc=nn.Linear(16, 4)
    ), image
    still = Net(frozen, a=conv(3, 16), bn=nn.BatchNorm2d(16), fc=nn.Linear(16, 4))
    still.requires_grad_(False)
    yield "frozen", still, image
    yield "shared", Net(shared, a=conv(3, 16), b=conv(16, 16), fc=nn.Linear(16, 4)), image
    yield "detached", Net(detached, a=conv(3, 16), b=conv(16, 16), fc=nn.Linear(16, 4)), image
    yield "mean_broadcast", Net(
        mean_broadcast, a=conv(3, 16), b=conv(16, 8), fc=nn.Linear(8, 4)
    ), image
    yield "two_cats", Net(
        two_cats, a=conv(3, 8), b=conv(3, 12), c=conv(3, 12), d=conv(3, 8), fc=nn.Linear(20, 4)
    ), image
    yield "squeeze_excitation", Net(
        squeeze_excitation, a=conv(3, 16), down=conv(16, 4, 1), up=conv(4, 16, 1),
        fc=nn.Linear(16, 4),
    ), image
    yield "conv1d", Net(
        conv1d, a=nn.Conv1d(6, 16, 3), b=nn.Conv1d(16, 8, 3), fc=nn.Linear(8, 4)
    ), row
    yield "conv3d", Net(
        conv3d, a=nn.Conv3d(2, 8, 3), b=nn.Conv3d(8, 6, 3), fc=nn.Linear(6, 4)
    ), torch.randn(2, 2, 6, 6, 6)
    yield "flattened", Net(flattened, a=conv(3, 8), fc=nn.Linear(512, 4)), image
    yield "attention", Net(
        attention, a=nn.Linear(6, 16), qkv=nn.Linear(16, 48), out=nn.Linear(16, 16),
        fc=nn.Linear(16, 4),
    ), steps
    yield "multihead_attention", Net(
        multihead_attention, a=nn.Linear(6, 16), mha=nn.MultiheadAttention(16, 2, batch_first=True),
        fc=nn.Linear(16, 4),
    ), steps
    yield "lstm", Net(
        recurrent, a=nn.Linear(6, 12), rnn=nn.LSTM(12, 5, batch_first=True), fc=nn.Linear(5, 3)
    ), steps
    yield "lstm_two_layers_both_ways", Net(
        recurrent_states, a=nn.Linear(6, 12),
        rnn=nn.LSTM(12, 5, num_layers=2, bidirectional=True, batch_first=True),
        fc=nn.Linear(10, 3),
    ), steps
    yield "gru", Net(
        recurrent, a=nn.Linear(6, 12), rnn=nn.GRU(12, 5, batch_first=True), fc=nn.Linear(5, 3)
    ), steps
    yield "gru_both_ways", Net(
        recurrent_states, a=nn.Linear(6, 12),
        rnn=nn.GRU(12, 5, bidirectional=True, batch_first=True), fc=nn.Linear(10, 3),
    ), steps
    yield "rnn_relu", Net(
        recurrent, a=nn.Linear(6, 12),
        rnn=nn.RNN(12, 5, nonlinearity="relu", batch_first=True), fc=nn.Linear(5, 3),
    ), steps
    yield "embedding", Net(
        embedding, table=nn.Embedding(9, 6), a=nn.Linear(6, 12), fc=nn.Linear(12, 3)
    ), torch.randint(0, 9, (2, 5))


# The default exporter writes an RNN step by step, with the batch on the second axis.
LEGACY_ONLY = ("rnn_relu",)
LEGACY = (*LEGACY_ONLY, "glu", "channel_shuffle", "lstm", "lstm_two_layers_both_ways", "gru", "split_unequal")


def export(model, x, path, dynamo):
    if dynamo:
        more = {"optimize": False, "external_data": False}
        more["dynamic_shapes"] = ({0: torch.export.Dim("batch")},)
    else:
        more = {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
        more |= {"opset_version": 17, "dynamic_axes": {"input": {0: "batch"}}}
    names = {"input_names": ["input"], "output_names": ["output"]}
    torch.onnx.export(model.eval(), (x,), str(path), dynamo=dynamo, **names, **more)


def strip(path):
    """Without what only people read: where in the source a node comes from."""
    model = onnx.load(path)
    model.doc_string = ""
    del model.metadata_props[:]
    parts = [model.graph, *model.functions]
    for part in parts:
        del part.metadata_props[:]
        part.doc_string = ""
        for item in [*part.node, *part.value_info]:
            del item.metadata_props[:]
            item.doc_string = ""
    for item in [*model.graph.input, *model.graph.output, *model.graph.initializer]:
        del item.metadata_props[:]
        item.doc_string = ""
    onnx.save(model, path)


def main():
    FOLDER.mkdir(exist_ok=True)
    wanted = sys.argv[1:]
    for name, model, x in models():
        for suffix, dynamo in (("", True), ("_legacy", False)):
            if name not in LEGACY if not dynamo else name in LEGACY_ONLY:
                continue
            if wanted and name + suffix not in wanted:
                continue
            path = FOLDER / f"{name}{suffix}.onnx"
            export(model, x, path, dynamo)
            strip(path)
            print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
