"""Prints what TensorBoard itself reads from a folder of events, as JSON. Usage: read_events.py DIR"""

import json
import sys

from tensorboard.backend.event_processing import event_accumulator
from tensorboard.plugins.hparams import metadata


def main() -> None:
    everything = {kind: 0 for kind in event_accumulator.DEFAULT_SIZE_GUIDANCE}
    events = event_accumulator.EventAccumulator(sys.argv[1], size_guidance=everything)
    events.Reload()
    tags = events.Tags()
    found = {"scalars": {}, "histograms": {}, "texts": {}, "hparams": {}}
    for tag in tags["scalars"]:
        found["scalars"][tag] = [[event.step, event.value] for event in events.Scalars(tag)]
    for tag in tags["histograms"]:
        found["histograms"][tag] = [
            [event.step, event.histogram_value.bucket_limit, event.histogram_value.bucket]
            for event in events.Histograms(tag)
        ]
    for tag in tags["tensors"]:
        data = events.SummaryMetadata(tag).plugin_data
        plugin = data.plugin_name
        if plugin == metadata.PLUGIN_NAME:
            start = metadata.parse_session_start_info_plugin_data(data.content)
            for name, value in start.hparams.items():
                found["hparams"][name] = getattr(value, value.WhichOneof("kind"))
            found["started"] = start.start_time_secs
            continue
        found["texts"][tag] = [
            [event.step, plugin, event.tensor_proto.string_val[0].decode()]
            for event in events.Tensors(tag)
        ]
    print(json.dumps(found))


main()
