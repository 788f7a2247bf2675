#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

#include "morph/base/error.h"
#include "morph/onnx/importer.h"

namespace morph::onnx {
namespace {

using Ints = std::vector<int64_t>;

/// The first input, live.
NodeId live_input(Importer& importer, const OpCall& call) {
  return importer.operand(call, 0, importer.shape(call.input(0)).size());
}

/// A target shape whose entries stand for a batch of a certain size, and where that lies.
struct Target {
  Shape shape = {};
  BatchPlace place = {};
};

/// The target for a batch of this size, if the value's elements fit it.
std::optional<Target> target_for(Importer& importer,
                                 const OpCall& call,
                                 Ints target,
                                 int64_t batch) {
  const Shape from = importer.shape(call.input(0), batch);
  const BatchPlace place = importer.place(call);
  const Shape one = importer.shape(call.input(0));
  const auto at = one.begin() + static_cast<int64_t>(place.axis);
  int64_t known = 1;
  auto open = target.end();
  for (auto entry = target.begin(); entry != target.end(); ++entry) {
    const auto i = static_cast<size_t>(entry - target.begin());
    if (*entry == 0 && i < from.size() && call.integer("allowzero", 0) == 0) *entry = from[i];
    if (*entry < 0) {
      if (*entry != -1 || open != target.end()) call.fail("has no such shape");
      open = entry;
    } else if (__builtin_mul_overflow(known, *entry, &known)) {
      call.fail("has no such shape");
    }
  }
  const int64_t count = count_elements(from);
  if (open != target.end()) *open = known == 0 || count % known != 0 ? 0 : count / known;
  if (count_elements(target) != count) return std::nullopt;
  const auto found = find_batch(target,
                                batch,
                                count_elements({one.begin(), at}) * place.before,
                                place.after * count_elements({at + 1, one.end()}));
  if (!found) return std::nullopt;
  return Target{.shape = target, .place = *found};
}

/// What a target means: entries may hold what a Shape said of the batch, the size that was traced,
/// or one. The batch as the first axis goes before any other reading.
Target find_target(Importer& importer, const OpCall& call, const Ints& stated) {
  std::optional<Target> shared;
  for (const int64_t batch : {kOpenBatch, importer.traced_batch(), int64_t{1}}) {
    auto target = target_for(importer, call, stated, batch);
    if (target && target->place.is_first()) return *target;
    if (!shared) shared = std::move(target);
  }
  if (!shared) {
    call.fail(cat("cannot read a value of shape ",
                  format_shape(importer.shape(call.input(0))),
                  " as ",
                  format_shape(stated),
                  " with the batch in one place"));
  }
  return *shared;
}

/// 0 for the batch; -1 stays where it is, so that it follows a change of width.
Value reshape_to(Importer& importer, const OpCall& call, const Ints& stated) {
  const Target target = find_target(importer, call, stated);
  const bool is_plain = target.place.is_first() && importer.place(call).is_first();
  const Shape from = importer.shape(call.input(0));
  Shape shape = stored_shape(target.shape, target.place);
  for (size_t i = 0; i < shape.size(); ++i) {
    const bool copies = is_plain && i < from.size() && stated[i] == 0;
    if (i == 0 || (copies && shape[i] == from[i])) shape[i] = 0;
    if (is_plain && i > 0 && stated[i] == -1) shape[i] = -1;
  }
  NewNode node{.op = "Reshape",
               .inputs = {live_input(importer, call)},
               .attrs = {{"shape", shape}},
               .place = target.place};
  return importer.add(call, std::move(node));
}

std::vector<Value> import_reshape(Importer& importer, const OpCall& call) {
  const auto stated = call.ints_at("shape", 1);
  if (!stated) call.fail("lacks its shape");
  if (stated->empty()) call.fail("leaves no axis for the batch");
  return {reshape_to(importer, call, *stated)};
}

std::vector<Value> import_flatten(Importer& importer, const OpCall& call) {
  const Shape from = importer.shape(call.input(0));
  const auto rank = static_cast<int64_t>(from.size());
  const int64_t axis = call.integer("axis", 1);
  if (axis < -rank || axis > rank) call.fail("flattens at an axis that is not there");
  const int64_t front = axis < 0 ? axis + rank : axis;
  if (front == 1 && importer.place(call).is_first()) {
    return {importer.add(call, {.op = "Flatten", .inputs = {live_input(importer, call)}})};
  }
  if (front == 0) call.fail("makes one row of all examples of a batch");
  const Shape open = importer.shape(call.input(0), kOpenBatch);
  const auto middle = open.begin() + front;
  return {
      reshape_to(importer,
                 call,
                 {count_elements({open.begin(), middle}), count_elements({middle, open.end()})})};
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
    for (size_t i = 0; i < from.size(); ++i) {
      if (from[i] == 1 && i != importer.place(call).axis) axes.push_back(static_cast<int64_t>(i));
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
  const size_t axis = importer.place(call).axis;
  traced[axis] *= importer.traced_batch();
  for (const SlicedAxis& range : sliced_axes(call, traced)) {
    if (range.axis == axis && (range.step != 1 || range.count != traced[axis])) {
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
    const bool is_whole = range.axis == importer.place(call).axis ||
                          (range.step == 1 && range.count == from[range.axis]);
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

/// Of a Gather over the batch and what lies with it, as_strided has it: the indices within one
/// example, if those of each further one are the same and as many elements later.
std::optional<Ints> indices_of_one(const BatchPlace& place, const Array& indices) {
  if (place.before != 1 || indices.shape.empty() || indices.shape[0] != kOpenBatch) {
    return std::nullopt;
  }
  const Ints all = to_ints(indices);
  const size_t count = all.size() / static_cast<size_t>(kOpenBatch);
  for (size_t i = 0; i < all.size(); ++i) {
    const auto example = static_cast<int64_t>(i / count);
    const int64_t first = all[i % count];
    if (first < 0 || first >= place.after || all[i] != first + example * place.after) {
      return std::nullopt;
    }
  }
  return Ints(all.begin(), all.begin() + static_cast<int64_t>(count));
}

std::optional<Value> gather_in_examples(Importer& importer, const OpCall& call) {
  const BatchPlace place = importer.place(call);
  const Array& indices = call.constant(1);
  if (place.axis != 0 || call.integer("axis", 0) != 0 || place.after < 2) return std::nullopt;
  const auto within = indices_of_one(place, indices);
  if (!within) return std::nullopt;
  NewNode node{.op = "Gather", .inputs = {live_input(importer, call)}, .place = BatchPlace{}};
  node.attrs = {{"axis", Ints{1}}, {"indices", *within}};
  const Shape places(indices.shape.begin() + 1, indices.shape.end());
  if (places.size() != 1) node.attrs["indices_shape"] = places;
  return importer.add(call, std::move(node));
}

/// Constant indices; several axes of them, or none for a single one, are noted apart.
std::vector<Value> import_gather(Importer& importer, const OpCall& call) {
  const Shape from = importer.shape(call.input(0));
  const auto axis = static_cast<int64_t>(front_axis(call, call.integer("axis", 0), from.size()));
  if (call.has_input(1) && call.input(1).constant) {
    if (const auto value = gather_in_examples(importer, call)) return {*value};
  }
  const auto indices = call.ints_at("indices", 1);
  if (!indices) call.fail("lacks its indices");
  NewNode node{.op = "Gather", .inputs = {live_input(importer, call)}};
  node.attrs = {{"axis", Ints{axis}}, {"indices", *indices}};
  const Shape& places = call.constant(1).shape;
  if (places.size() != 1) node.attrs["indices_shape"] = places;
  return {importer.add(call, std::move(node))};
}

/// Constant indices into the first axes, none of them the batch's: a Gather of these as one axis.
std::vector<Value> import_gather_nd(Importer& importer, const OpCall& call) {
  const BatchPlace place = importer.place(call);
  const NodeId x = live_input(importer, call);
  const Shape& from = importer.graph()[x].shape;
  const Array& indices = call.constant(1);
  const int64_t depth = indices.shape.empty() ? 0 : indices.shape.back();
  if (call.integer("batch_dims", 0) != 0 || depth < 1 || depth > static_cast<int64_t>(place.axis)) {
    call.fail("is supported with indices into axes before the batch's");
  }
  const std::vector<size_t> rows = Folder::rows_named(call, importer.shape(call.input(0)), indices);
  const auto rest = from.begin() + 1 + depth;
  Shape merged = {0, count_elements({from.begin() + 1, rest})};
  merged.insert(merged.end(), rest, from.end());
  BatchPlace made = place;
  made.axis = place.axis - static_cast<size_t>(depth) + indices.shape.size() - 1;
  NewNode flat{.op = "Reshape", .inputs = {x}, .suffix = "rows", .place = place};
  flat.attrs["shape"] = merged;
  NewNode node{.op = "Gather", .inputs = {importer.add(call, std::move(flat)).node}, .place = made};
  node.attrs = {{"axis", Ints{1}}, {"indices", Ints(rows.begin(), rows.end())}};
  if (indices.shape.size() != 2) {
    node.attrs["indices_shape"] = Shape(indices.shape.begin(), indices.shape.end() - 1);
  }
  return {importer.add(call, std::move(node))};
}

/// With constant indices into the first axis, as slice_scatter has it: those of the updates, and of
/// the data where there are none. All examples of a batch may be named.
std::vector<Value> import_scatter_nd(Importer& importer, const OpCall& call) {
  const Shape from = importer.shape(call.input(0), kOpenBatch);
  const Array& indices = call.constant(1);
  if (call.text("reduction", "none") != "none" || indices.shape.size() != 2 ||
      indices.shape[1] != 1) {
    call.fail("is supported without a reduction and with indices into the first axis");
  }
  Ints origins(static_cast<size_t>(from[0]));
  std::iota(origins.begin(), origins.end(), 0);
  int64_t update = from[0];
  for (const size_t row : Folder::rows_named(call, from, indices)) origins[row] = update++;
  const NodeId updates = importer.operand(call, 2, from.size());
  const BatchPlace place = importer.place(call);
  Ints all(origins.size());
  std::iota(all.begin(), all.end(), from[0]);
  if (origins == all) {
    return {importer.add(call, {.op = "Identity", .inputs = {updates}, .place = place})};
  }
  if (place.axis == 0) call.fail("changes some examples of a batch");
  NewNode both{.op = "Concat", .attrs = {{"axis", Ints{1}}}, .suffix = "both", .place = place};
  both.inputs = {importer.operand(call, 0, from.size()), updates};
  const NodeId joined = importer.add(call, std::move(both)).node;
  NewNode node{.op = "Gather", .inputs = {joined}, .place = place};
  node.attrs = {{"axis", Ints{1}}, {"indices", origins}};
  return {importer.add(call, std::move(node))};
}

/// A batch that stands in the target is any batch.
std::vector<Value> import_expand(Importer& importer, const OpCall& call) {
  const Shape from = importer.shape(call.input(0));
  Ints target = to_ints(call.constant(1));
  const size_t axis = importer.place(call).axis;
  if (target.size() == from.size() && importer.may_be_batch(target[axis])) target[axis] = 1;
  const Shape to = broadcast(call, from, target);
  if (to == from) return {call.input(0)};
  NewNode node{.op = "Expand", .inputs = {live_input(importer, call)}, .attrs = {{"shape", to}}};
  return {importer.add(call, std::move(node))};
}

std::vector<Value> import_tile(Importer& importer, const OpCall& call) {
  auto repeats = call.ints_at("repeats", 1);
  const size_t rank = importer.shape(call.input(0)).size();
  if (!repeats) call.fail("lacks its repeats");
  if (repeats->size() != rank) call.fail("needs a repeat for each axis");
  // What is computed from constants alone is for one example.
  int64_t& examples = (*repeats)[importer.place(call).axis];
  if (examples == kOpenBatch) examples = 1;
  if (std::ranges::count(*repeats, 1) == static_cast<int64_t>(rank)) return {call.input(0)};
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
  const auto sizes = [&](int64_t batch) {
    return importer.folder().list(call, shape_part(call, importer.shape(call.input(0), batch)));
  };
  return {batch_constant(sizes(kOpenBatch), sizes(kOtherBatch))};
}

std::vector<Value> import_size(Importer& importer, const OpCall& call) {
  const auto count = [&](int64_t batch) {
    const int64_t elements = count_elements(importer.shape(call.input(0), batch));
    return Folder::viewed(importer.folder().list(call, {elements}), {});
  };
  return {batch_constant(count(kOpenBatch), count(kOtherBatch))};
}

/// The batch stays our first axis wherever the file puts it.
std::vector<Value> import_transpose(Importer& importer, const OpCall& call) {
  const size_t rank = importer.shape(call.input(0)).size();
  Ints order(rank);
  std::iota(order.rbegin(), order.rend(), 0);
  const Ints perm = call.ints("perm").value_or(order);
  std::ranges::reverse(order);
  if (!std::ranges::is_permutation(perm, order)) {
    call.fail(cat("attribute 'perm' must name each of the ", rank, " axes once"));
  }
  BatchPlace place = importer.place(call);
  const Ints stored = stored_perm(perm, place);
  place.axis =
      static_cast<size_t>(std::ranges::find(perm, static_cast<int64_t>(place.axis)) - perm.begin());
  NewNode node{.op = "Identity", .inputs = {live_input(importer, call)}, .place = place};
  if (!std::ranges::is_sorted(stored)) {
    node.op = "Transpose";
    node.attrs["perm"] = stored;
  }
  return {importer.add(call, std::move(node))};
}

constexpr std::array kRules = {
    ImportRow{"Concat", import_concat},
    ImportRow{"ConcatFromSequence", import_concat_from_sequence},
    ImportRow{"Expand", import_expand},
    ImportRow{"Flatten", import_flatten},
    ImportRow{"Gather", import_gather},
    ImportRow{"GatherND", import_gather_nd},
    ImportRow{"Pad", import_pad},
    ImportRow{"Reshape", import_reshape},
    ImportRow{"ScatterND", import_scatter_nd},
    ImportRow{"SequenceAt", import_sequence_at},
    ImportRow{"SequenceConstruct", import_sequence_construct},
    ImportRow{"Shape", import_shape},
    ImportRow{"Size", import_size},
    ImportRow{"Slice", import_slice},
    ImportRow{"Split", import_split},
    ImportRow{"SplitToSequence", import_split},
    ImportRow{"Squeeze", import_squeeze},
    ImportRow{"Tile", import_tile},
    ImportRow{"Transpose", import_transpose},
    ImportRow{"Unsqueeze", import_unsqueeze},
};

}  // namespace

std::span<const ImportRow> movement_rules() { return kRules; }

}  // namespace morph::onnx
