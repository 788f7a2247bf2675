#include "morph/data/device_loader.h"

#include <span>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include "morph/base/error.h"
#include "morph/data/augment.h"

namespace morph {
namespace {

enum ViewColumn : int64_t { kImage, kDown, kRight, kMirrored, kColumns };

struct Bytes {
  at::Tensor pixels;  // Byte [images, C · H · W].
  at::Tensor labels;  // Long [images].
};

Bytes read_all(const Dataset& data) {
  const int64_t size = data.shape().size();
  Bytes bytes{.pixels = at::empty({data.size(), size}, at::kByte),
              .labels = at::empty({data.size()}, at::kLong)};
  auto* pixels = bytes.pixels.mutable_data_ptr<uint8_t>();
  auto* labels = bytes.labels.mutable_data_ptr<int64_t>();
  for (int64_t i = 0; i < data.size(); ++i) {
    labels[i] = data.get(i, std::span(pixels + i * size, static_cast<size_t>(size)));
  }
  return bytes;
}

/// The table that a PixelWriter uses, read off what it writes for each byte.
at::Tensor make_table(const ImageShape& shape, const Normalization& normalization) {
  const ImageShape pixel{.channels = shape.channels, .height = 1, .width = 1};
  const PixelWriter writer(pixel, normalization);
  at::Tensor table = at::empty({shape.channels, 256}, at::kFloat);
  auto* values = table.mutable_data_ptr<float>();
  const auto channels = static_cast<size_t>(shape.channels);
  std::vector<float> written(channels);
  for (size_t byte = 0; byte < 256; ++byte) {
    writer.write(std::vector<uint8_t>(channels, static_cast<uint8_t>(byte)), View{}, written);
    for (size_t c = 0; c < channels; ++c) values[c * 256 + byte] = written[c];
  }
  return table.flatten();
}

}  // namespace

DeviceLoader::DeviceLoader(const Dataset& data, const BatchOptions& options, c10::Device device)
    : plan_(data, options), options_(options), shape_(data.shape()) {
  const Bytes bytes = read_all(data);
  const auto longs = at::TensorOptions().dtype(at::kLong).device(device);
  pixels_ = bytes.pixels.view({data.size(), shape_.channels, -1}).to(device);
  labels_ = bytes.labels.to(device);
  table_ = make_table(shape_, options.normalization).to(device);
  page_ = at::arange(shape_.channels, longs).mul_(256).unsqueeze(1);
  ramp_ = at::arange(options.batch_size, longs);
  rows_ = at::arange(shape_.height, longs).unsqueeze(1);
  columns_ = at::arange(shape_.width, longs).unsqueeze(0);
  views_ = at::zeros({data.size(), kColumns}, longs);
  cursor_ = at::zeros({1}, longs);
  position_ = batches();
}

void DeviceLoader::start_epoch(int64_t epoch, int64_t first) {
  plan_.check_start(first);
  const std::vector<int64_t> order = plan_.order(epoch);
  const Augmentation augmentation{.crop_padding = options_.crop_padding, .flip = options_.flip};
  std::vector<int64_t> views;
  views.reserve(order.size() * kColumns);
  for (size_t i = 0; i < order.size(); ++i) {
    Random random = example_random(options_.seed, epoch, static_cast<int64_t>(i));
    const View view = draw_view(augmentation, random);
    views.insert(views.end(), {order[i], view.down, view.right, view.mirrored ? 1 : 0});
  }
  views_.copy_(at::from_blob(views.data(), views_.sizes(), at::kLong));
  cursor_.fill_(first);
  position_ = first;
}

std::optional<Batch> DeviceLoader::next() {
  if (position_ == batches()) return std::nullopt;
  const c10::NoGradGuard no_grad;
  const int64_t count = plan_.batch_size(position_++);
  const at::Tensor places = ramp_.narrow(0, 0, count) + cursor_ * options_.batch_size;
  cursor_.add_(1);
  const at::Tensor views = views_.index_select(0, places);
  const at::Tensor images = views.select(1, kImage);
  const at::Tensor seen = look(pixels_.index_select(0, images), views);
  const at::Tensor entries = seen.to(at::kLong).add_(page_);
  return Batch{.images = table_.index_select(0, entries.flatten())
                             .view({count, shape_.channels, shape_.height, shape_.width}),
               .labels = labels_.index_select(0, images)};
}

/// The bytes [N, C, H·W] as the views show them; 0 outside the image.
at::Tensor DeviceLoader::look(const at::Tensor& pixels, const at::Tensor& views) const {
  if (options_.crop_padding == 0 && !options_.flip) return pixels;
  const auto column = [&](ViewColumn which) { return views.select(1, which).view({-1, 1, 1}); };
  const at::Tensor y = rows_ + column(kDown);
  const at::Tensor x = columns_ + column(kRight);
  const at::Tensor inside =
      y.ge(0).logical_and(y.lt(shape_.height)).logical_and(x.ge(0)).logical_and(x.lt(shape_.width));
  const at::Tensor from = at::where(column(kMirrored).eq(1), shape_.width - 1 - x, x);
  const at::Tensor place =
      y.clamp(0, shape_.height - 1).mul(shape_.width).add(from.clamp(0, shape_.width - 1));
  const at::Tensor seen = pixels.gather(2, place.flatten(1).unsqueeze(1).expand_as(pixels));
  return seen.mul(inside.flatten(1).unsqueeze(1));
}

void DeviceLoader::skip() {
  MORPH_CHECK(position_ < batches());
  ++position_;
}

}  // namespace morph
