#include "morph/onnx/batch_place.h"

#include "morph/base/error.h"
#include "morph/onnx/array.h"

namespace morph::onnx {

Shape file_shape(const Shape& stored, const BatchPlace& place, int64_t batch) {
  const auto extra = static_cast<int64_t>(place.extra_axes());
  const auto middle = stored.begin() + 1 + static_cast<int64_t>(place.axis);
  MORPH_CHECK(stored.end() - middle >= extra);
  Shape shape(stored.begin() + 1, middle);
  shape.push_back(place.before * batch * place.after);
  shape.insert(shape.end(), middle + extra, stored.end());
  return shape;
}

size_t stored_axis(size_t axis, const BatchPlace& place) {
  MORPH_CHECK(axis != place.axis);
  return axis < place.axis ? axis + 1 : axis + place.extra_axes();
}

std::vector<int64_t> stored_perm(const std::vector<int64_t>& perm, const BatchPlace& place) {
  std::vector<int64_t> result = {0};
  for (const int64_t axis : perm) {
    if (static_cast<size_t>(axis) != place.axis) {
      result.push_back(static_cast<int64_t>(stored_axis(static_cast<size_t>(axis), place)));
      continue;
    }
    for (size_t i = 0; i < place.extra_axes(); ++i) {
      result.push_back(static_cast<int64_t>(place.axis + 1 + i));
    }
  }
  return result;
}

Shape stored_shape(const Shape& shape, const BatchPlace& place) {
  const auto middle = shape.begin() + static_cast<int64_t>(place.axis);
  Shape stored = {1};
  stored.insert(stored.end(), shape.begin(), middle);
  if (place.before > 1) stored.push_back(place.before);
  if (place.after > 1) stored.push_back(place.after);
  stored.insert(stored.end(), middle + 1, shape.end());
  return stored;
}

std::optional<BatchPlace> find_batch(const Shape& shape,
                                     int64_t batch,
                                     int64_t before,
                                     int64_t after) {
  std::optional<BatchPlace> shared;
  int64_t prefix = 1;
  for (size_t axis = 0; axis < shape.size() && prefix > 0 && before % prefix == 0; ++axis) {
    const Shape behind(shape.begin() + static_cast<int64_t>(axis) + 1, shape.end());
    const int64_t rest = count_elements(behind);
    const BatchPlace place{
        .axis = axis, .before = before / prefix, .after = rest == 0 ? 0 : after / rest};
    if (place.after * rest == after && shape[axis] == place.before * batch * place.after) {
      if (place.before == 1 && place.after == 1) return place;
      if (!shared) shared = place;
    }
    prefix *= shape[axis];
  }
  return shared;
}

}  // namespace morph::onnx
