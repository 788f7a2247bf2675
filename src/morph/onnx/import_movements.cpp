#include <algorithm>
#include <array>
#include <numeric>

#include "morph/base/error.h"
#include "morph/onnx/importer.h"

namespace morph::onnx {
namespace {

using Ints = std::vector<int64_t>;

/// The first input, live.
NodeId live_input(Importer& importer, const OpCall& call) {
  return importer.operand(call, 0, importer.shape(call.input(0)).size());
}

/// A target shape for a batch of one. Where the file holds the size of the batch that was traced,
/// that is meant.
Ints for_one_example(const Importer& importer, const OpCall& call, const Shape& from, Ints target) {
  const int64_t batch = importer.traced_batch();
  if (target.empty() || batch == 1 || target[0] != batch) return target;
  int64_t count = 1;
  bool is_open = false;
  for (size_t i = 0; i < target.size(); ++i) {
    is_open = is_open || target[i] == -1;
    const bool copies = target[i] == 0 && i < from.size() && call.integer("allowzero", 0) == 0;
    count *= copies ? from[i] : std::max<int64_t>(target[i], 1);
  }
  const bool holds_batch = is_open ? count_elements(from) % count != 0 || from.at(0) == 1
                                   : count_elements(from) != count;
  if (holds_batch) target[0] = 1;
  return target;
}

/// 0 for the batch; -1 stays where it is, so that it follows a change of width.
std::vector<Value> import_reshape(Importer& importer, const OpCall& call) {
  const Shape from = importer.shape(call.input(0));
  const auto stated = call.ints_at("shape", 1);
  if (!stated) call.fail("lacks its shape");
  const Ints target = for_one_example(importer, call, from, *stated);
  Shape shape = reshaped(call, from, target);
  if (shape.empty()) call.fail("leaves no axis for the batch");
  for (size_t i = 0; i < shape.size(); ++i) {
    const bool copies = i < from.size() && target[i] == 0 && shape[i] == from[i];
    if (copies || (i == 0 && shape[i] == 1)) shape[i] = 0;
    if (i > 0 && target[i] == -1) shape[i] = -1;
  }
  NewNode node{
      .op = "Reshape", .inputs = {live_input(importer, call)}, .attrs = {{"shape", shape}}};
  return {importer.add(call, std::move(node))};
}

Value reshape_to(Importer& importer, const OpCall& call, Shape shape) {
  if (shape.empty()) call.fail("leaves no axis for the batch");
  shape[0] = shape[0] == 1 ? 0 : shape[0];
  NewNode node{
      .op = "Reshape", .inputs = {live_input(importer, call)}, .attrs = {{"shape", shape}}};
  return importer.add(call, std::move(node));
}

std::vector<Value> import_flatten(Importer& importer, const OpCall& call) {
  const Shape from = importer.shape(call.input(0));
  const auto rank = static_cast<int64_t>(from.size());
  const int64_t axis = call.integer("axis", 1);
  if (axis == 1 || axis + rank == 1) {
    return {importer.add(call, {.op = "Flatten", .inputs = {live_input(importer, call)}})};
  }
  if (axis < -rank || axis > rank) call.fail("flattens at an axis that is not there");
  if (axis == 0 || axis == -rank) call.fail("makes one row of all examples of a batch");
  const auto middle = from.begin() + (axis < 0 ? axis + rank : axis);
  return {
      reshape_to(importer,
                 call,
                 {count_elements({from.begin(), middle}), count_elements({middle, from.end()})})};
}

Ints sorted_axes(const OpCall& call, const Ints& axes, size_t rank) {
  Ints result;
  for (const int64_t axis : axes) {
    result.push_back(static_cast<int64_t>(front_axis(call, axis, rank)));
  }
  std::ranges::sort(result);
  return result;
}

std::vector<Value> import_squeeze(Importer& importer, const OpCall& call) {
  const Shape from = importer.shape(call.input(0));
  const Shape to = squeezed(call, from);
  Ints axes;
  if (const auto stated = call.ints_at("axes", 1)) {
    axes = sorted_axes(call, *stated, from.size());
  } else {
    // Without axes the batch of one would go as well.
    for (size_t i = 1; i < from.size(); ++i) {
      if (from[i] == 1) axes.push_back(static_cast<int64_t>(i));
    }
  }
  NewNode node{.op = "Squeeze", .inputs = {live_input(importer, call)}, .attrs = {{"axes", axes}}};
  return {importer.add(call, std::move(node))};
}

std::vector<Value> import_unsqueeze(Importer& importer, const OpCall& call) {
  const Shape to = unsqueezed(call, importer.shape(call.input(0)));
  const Ints axes = sorted_axes(call, *call.ints_at("axes", 1), to.size());
  NewNode node{
      .op = "Unsqueeze", .inputs = {live_input(importer, call)}, .attrs = {{"axes", axes}}};
  return {importer.add(call, std::move(node))};
}

/// Throws Error unless a Slice takes all examples, of the batch that was traced or of any.
void check_takes_batch(const Importer& importer, const OpCall& call, const Shape& from) {
  Shape traced = from;
  traced[0] = importer.traced_batch();
  for (const SlicedAxis& range : sliced_axes(call, traced)) {
    if (range.axis == 0 && (range.step != 1 || range.count != traced[0])) {
      call.fail("takes some examples of a batch");
    }
  }
}

/// The text form and LibTorch take a large end for "to the last"; ours is the exact position.
std::vector<Value> import_slice(Importer& importer, const OpCall& call) {
  const Shape from = importer.shape(call.input(0));
  Ints starts;
  Ints ends;
  Ints axes;
  Ints steps;
  bool has_steps = false;
  check_takes_batch(importer, call, from);
  for (const SlicedAxis& range : sliced_axes(call, from)) {
    const bool is_whole = range.axis == 0 || (range.step == 1 && range.count == from[range.axis]);
    if (is_whole) continue;
    axes.push_back(static_cast<int64_t>(range.axis));
    starts.push_back(range.start);
    steps.push_back(range.step);
    has_steps = has_steps || range.step != 1;
    const int64_t end = range.step > 0
                            ? std::min(range.start + range.count * range.step, from[range.axis])
                            : range.start + range.count * range.step;
    // Backwards over position 0: an end that lies before all positions.
    ends.push_back(end < 0 ? -from[range.axis] - 1 : end);
  }
  if (axes.empty()) return {call.input(0)};
  NewNode node{.op = "Slice", .inputs = {live_input(importer, call)}};
  node.attrs = {{"axes", axes}, {"ends", ends}, {"starts", starts}};
  if (has_steps) node.attrs["steps"] = steps;
  return {importer.add(call, std::move(node))};
}

Value part(Importer& importer, const OpCall& call, const SlicedAxis& range, std::string name) {
  NodeProto node = call.node();
  node.name.clear();
  node.outputs = {std::move(name)};
  const OpCall slice(node, call.opset(), {&call.input(0)});
  NewNode made{.op = "Slice", .inputs = {live_input(importer, call)}};
  made.attrs = {{"axes", Ints{static_cast<int64_t>(range.axis)}},
                {"ends", Ints{range.start + range.count}},
                {"starts", Ints{range.start}}};
  return importer.add(slice, std::move(made));
}

/// One Slice for each part, named after the values that they make.
std::vector<Value> import_split(Importer& importer, const OpCall& call) {
  const Shape from = importer.shape(call.input(0));
  SlicedAxis range{.axis = front_axis(call, call.integer("axis", 0), from.size())};
  const bool is_sequence = call.op() == "SplitToSequence";
  if (is_sequence && !call.has_input(1) && call.integer("keepdims", 1) == 0) {
    call.fail("keepdims = 0 is not supported");
  }
  std::vector<Value> parts;
  for (const int64_t size : split_sizes(call, from[range.axis])) {
    range.count = size;
    const size_t i = parts.size();
    if (size == 0) call.fail("makes a part of no size");
    const auto& outputs = call.node().outputs;
    if (!is_sequence && i < outputs.size() && outputs[i].empty()) {
      parts.emplace_back();
    } else {
      parts.push_back(
          part(importer,
               call,
               range,
               is_sequence || i >= outputs.size() ? cat(outputs[0], ".", i) : outputs[i]));
    }
    range.start += size;
  }
  if (!is_sequence) return parts;
  return {{.parts = std::move(parts), .is_sequence = true}};
}

const Value& sequence(const OpCall& call) {
  if (!call.input(0).is_sequence) call.fail("reads a value where a sequence is wanted");
  return call.input(0);
}

std::vector<Value> import_sequence_at(Importer&, const OpCall& call) {
  const auto places = call.ints_at("", 1);
  const auto count = static_cast<int64_t>(sequence(call).parts.size());
  if (!places || places->size() != 1 || (*places)[0] < -count || (*places)[0] >= count) {
    call.fail("wants a place in the sequence");
  }
  const int64_t place = (*places)[0] < 0 ? (*places)[0] + count : (*places)[0];
  return {call.input(0).parts[static_cast<size_t>(place)]};
}

std::vector<Value> import_sequence_construct(Importer&, const OpCall& call) {
  Value result{.is_sequence = true};
  for (size_t i = 0; i < call.input_count(); ++i) result.parts.push_back(call.input(i));
  return {result};
}

std::vector<Value> import_concat(Importer& importer, const OpCall& call) {
  size_t rank = 0;
  for (size_t i = 0; i < call.input_count(); ++i) {
    rank = std::max(rank, importer.shape(call.input(i)).size());
  }
  const auto axis = static_cast<int64_t>(front_axis(call, call.integer("axis", 1), rank));
  NewNode node{.op = "Concat", .attrs = {{"axis", Ints{axis}}}};
  for (size_t i = 0; i < call.input_count(); ++i) {
    if (importer.shape(call.input(i)).size() != rank) call.fail("its parts differ in rank");
    node.inputs.push_back(importer.operand(call, i, rank));
  }
  return {importer.add(call, std::move(node))};
}

std::vector<Value> import_concat_from_sequence(Importer& importer, const OpCall& call) {
  if (call.integer("new_axis", 0) != 0) call.fail("new_axis = 1 is not supported");
  std::vector<const Value*> parts;
  NodeProto node = call.node();
  node.inputs.clear();
  for (const Value& part : sequence(call).parts) {
    parts.push_back(&part);
    node.inputs.push_back("part");
  }
  return import_concat(importer, OpCall(node, call.opset(), parts));
}

/// Constant indices; several axes of them, or none for a single one, are noted apart.
std::vector<Value> import_gather(Importer& importer, const OpCall& call) {
  const Shape from = importer.shape(call.input(0));
  const auto axis = static_cast<int64_t>(front_axis(call, call.integer("axis", 0), from.size()));
  const auto indices = call.ints_at("indices", 1);
  if (!indices) call.fail("lacks its indices");
  NewNode node{.op = "Gather", .inputs = {live_input(importer, call)}};
  node.attrs = {{"axis", Ints{axis}}, {"indices", *indices}};
  const Shape& places = call.constant(1).shape;
  if (places.size() != 1) node.attrs["indices_shape"] = places;
  return {importer.add(call, std::move(node))};
}

/// A batch that stands in the target is any batch.
std::vector<Value> import_expand(Importer& importer, const OpCall& call) {
  const Shape from = importer.shape(call.input(0));
  Ints target = to_ints(call.constant(1));
  if (target.size() == from.size() && target[0] == importer.traced_batch()) target[0] = 1;
  const Shape to = broadcast(call, from, target);
  if (to == from) return {call.input(0)};
  NewNode node{.op = "Expand", .inputs = {live_input(importer, call)}, .attrs = {{"shape", to}}};
  return {importer.add(call, std::move(node))};
}

std::vector<Value> import_tile(Importer& importer, const OpCall& call) {
  const auto repeats = call.ints_at("repeats", 1);
  if (!repeats) call.fail("lacks its repeats");
  NewNode node{.op = "Tile", .inputs = {live_input(importer, call)}};
  node.attrs = {{"repeats", *repeats}};
  return {importer.add(call, std::move(node))};
}

/// Before opset 11 pads and value are attributes; from 18 on pads may be those of some axes.
std::vector<Value> import_pad(Importer& importer, const OpCall& call) {
  const size_t rank = importer.shape(call.input(0)).size();
  const auto stated = call.ints_at("pads", 1);
  if (!stated) call.fail("lacks its pads");
  Ints pads = *stated;
  if (const auto axes = call.ints_at("axes", 3)) {
    pads.assign(2 * rank, 0);
    if (stated->size() != 2 * axes->size()) call.fail("'pads' and 'axes' do not go together");
    for (size_t i = 0; i < axes->size(); ++i) {
      const size_t axis = front_axis(call, (*axes)[i], rank);
      pads[axis] = (*stated)[i];
      pads[axis + rank] = (*stated)[i + axes->size()];
    }
  }
  if (std::ranges::all_of(pads, [](int64_t count) { return count == 0; })) return {call.input(0)};
  NewNode node{.op = "Pad", .inputs = {live_input(importer, call)}, .attrs = {{"pads", pads}}};
  const std::string mode = call.text("mode", "constant");
  if (mode != "constant") node.attrs["mode"] = mode;
  const double value = call.number_at("value", 2).value_or(0);
  if (value != 0) node.attrs["value"] = std::vector<double>{value};
  return {importer.add(call, std::move(node))};
}

/// A live value's shape, from `start` to `end`: known without running.
std::vector<Value> import_shape(Importer& importer, const OpCall& call) {
  const std::vector<int64_t> sizes = shape_part(call, importer.shape(call.input(0)));
  const Array list = importer.folder().list(call, sizes);
  return {{.constant = list, .type = DataType::kInt64}};
}

std::vector<Value> import_size(Importer& importer, const OpCall& call) {
  const Array list = importer.folder().list(call, {count_elements(importer.shape(call.input(0)))});
  return {{.constant = Folder::viewed(list, {}), .type = DataType::kInt64}};
}

constexpr std::array kRules = {
    ImportRow{"Concat", import_concat},
    ImportRow{"ConcatFromSequence", import_concat_from_sequence},
    ImportRow{"Expand", import_expand},
    ImportRow{"Flatten", import_flatten},
    ImportRow{"Gather", import_gather},
    ImportRow{"Pad", import_pad},
    ImportRow{"Reshape", import_reshape},
    ImportRow{"SequenceAt", import_sequence_at},
    ImportRow{"SequenceConstruct", import_sequence_construct},
    ImportRow{"Shape", import_shape},
    ImportRow{"Size", import_size},
    ImportRow{"Slice", import_slice},
    ImportRow{"Split", import_split},
    ImportRow{"SplitToSequence", import_split},
    ImportRow{"Squeeze", import_squeeze},
    ImportRow{"Tile", import_tile},
    ImportRow{"Unsqueeze", import_unsqueeze},
};

}  // namespace

std::span<const ImportRow> movement_rules() { return kRules; }

}  // namespace morph::onnx
