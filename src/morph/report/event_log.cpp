#include "morph/report/event_log.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <fstream>
#include <limits>
#include <numeric>
#include <optional>
#include <vector>

#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include "morph/base/error.h"
#include "morph/base/file.h"

namespace morph {
namespace {

using protozero::pbf_writer;

// Field numbers of tensorflow/core/util/event.proto and framework/summary.proto, tensor.proto.
constexpr uint32_t kWallTime = 1;
constexpr uint32_t kStep = 2;
constexpr uint32_t kFileVersion = 3;
constexpr uint32_t kSummary = 5;
constexpr uint32_t kValue = 1;
constexpr uint32_t kTag = 1;
constexpr uint32_t kSimpleValue = 2;
constexpr uint32_t kHistogram = 5;
constexpr uint32_t kTensor = 8;
constexpr uint32_t kMetadata = 9;
constexpr int32_t kFloatType = 1;
constexpr int32_t kStringType = 7;
// Of tensorboard/plugins/hparams/plugin_data.proto, and google.protobuf.Value.
constexpr uint32_t kSessionStart = 3;
constexpr uint32_t kNumber = 2;
constexpr uint32_t kWord = 3;
constexpr uint32_t kBoolean = 4;

constexpr size_t kHeader = 12;
constexpr size_t kFooter = 4;

constexpr std::array<uint32_t, 256> make_crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1U ^ (value & 1U ? 0x82F63B78U : 0U);
    table[i] = value;
  }
  return table;
}

uint32_t masked_crc(std::string_view bytes) { return std::rotr(crc32c(bytes), 15) + 0xA282EAD8U; }

template <typename Number>
void append_little_endian(std::string& bytes, Number value) {
  for (size_t i = 0; i < sizeof(Number); ++i) {
    bytes += static_cast<char>(value >> 8U * i & 0xFFU);
  }
}

template <typename Number>
Number read_little_endian(std::string_view bytes) {
  Number value = 0;
  for (size_t i = 0; i < sizeof(Number); ++i) {
    value |= static_cast<Number>(static_cast<unsigned char>(bytes[i])) << 8U * i;
  }
  return value;
}

std::string framed(std::string_view bytes) {
  std::string record;
  append_little_endian(record, static_cast<uint64_t>(bytes.size()));
  append_little_endian(record, masked_crc(record));
  record += bytes;
  append_little_endian(record, masked_crc(bytes));
  return record;
}

/// The bytes of the record at the beginning of `file`, or nothing where it is cut off or damaged.
std::optional<std::string_view> first_record(std::string_view file) {
  if (file.size() < kHeader + kFooter) return {};
  const auto length = read_little_endian<uint64_t>(file);
  if (read_little_endian<uint32_t>(file.substr(8)) != masked_crc(file.substr(0, 8))) return {};
  if (length > file.size() - kHeader - kFooter) return {};
  const std::string_view bytes = file.substr(kHeader, length);
  if (read_little_endian<uint32_t>(file.substr(kHeader + length)) != masked_crc(bytes)) return {};
  return bytes;
}

int64_t step_of(std::string_view event) {
  protozero::pbf_reader message(event.data(), event.size());
  return message.next(kStep) ? message.get_int64() : 0;
}

/// How much of the file is whole records of steps before `step`.
size_t length_before(std::string_view file, int64_t step) {
  size_t length = 0;
  while (const auto event = first_record(file.substr(length))) {
    const bool is_version = length == 0;
    if (!is_version && step_of(*event) >= step) break;
    length += kHeader + event->size() + kFooter;
  }
  return length;
}

void write_histogram(pbf_writer& value, const GateHistogram& gates) {
  std::vector<double> limits;
  for (size_t i = 0; i + 1 < gates.counts.size(); ++i) {
    const double decades = static_cast<double>(i) / static_cast<double>(gates.per_decade);
    limits.push_back(gates.lowest * std::pow(10.0, decades));
  }
  limits.push_back(std::numeric_limits<double>::max());
  const std::vector<double> counts(gates.counts.begin(), gates.counts.end());
  // Gates are not negative; where they end beyond the last interval is not known.
  pbf_writer message(value, kHistogram);
  message.add_double(1, 0);
  message.add_double(2, limits.size() > 1 ? limits[limits.size() - 2] : 0);
  message.add_double(3, std::accumulate(counts.begin(), counts.end(), 0.0));
  message.add_packed_double(6, limits.begin(), limits.end());
  message.add_packed_double(7, counts.begin(), counts.end());
}

void write_text(pbf_writer& value, const std::string& text) {
  {
    pbf_writer tensor(value, kTensor);
    tensor.add_int32(1, kStringType);
    {
      pbf_writer shape(tensor, 2);
      pbf_writer dimension(shape, 2);
      dimension.add_int64(1, 1);
    }
    tensor.add_bytes(8, text);
  }
  pbf_writer metadata(value, kMetadata);
  pbf_writer plugin(metadata, 1);
  plugin.add_string(1, "text");
}

/// The message SessionStartInfo of a run.
std::string session_start(const LogEvent& event) {
  std::string bytes;
  pbf_writer start(bytes);
  start.add_double(5, event.wall_time);
  for (const auto& [name, parameter] : event.hyper_parameters) {
    pbf_writer entry(start, 1);
    entry.add_string(1, name);
    pbf_writer value(entry, 2);
    if (const auto* number = std::get_if<double>(&parameter)) value.add_double(kNumber, *number);
    if (const auto* word = std::get_if<std::string>(&parameter)) value.add_string(kWord, *word);
    if (const auto* is_so = std::get_if<bool>(&parameter)) value.add_bool(kBoolean, *is_so);
  }
  return bytes;
}

/// All is in the metadata; the tensor has no elements.
void write_hyper_parameters(pbf_writer& value, const LogEvent& event) {
  {
    pbf_writer tensor(value, kTensor);
    tensor.add_int32(1, kFloatType);
    pbf_writer shape(tensor, 2);
    pbf_writer dimension(shape, 2);
    dimension.add_int64(1, 0);
  }
  pbf_writer metadata(value, kMetadata);
  pbf_writer plugin(metadata, 1);
  plugin.add_string(1, "hparams");
  pbf_writer data(plugin, 2);
  data.add_message(kSessionStart, session_start(event));
}

std::string version_event() {
  std::string bytes;
  pbf_writer event(bytes);
  event.add_double(kWallTime, 0);
  event.add_string(kFileVersion, "brain.Event:2");
  return bytes;
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  static constexpr std::array<uint32_t, 256> kTable = make_crc_table();
  uint32_t crc = ~0U;
  for (const char byte : bytes) {
    crc = kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xFFU] ^ crc >> 8U;
  }
  return ~crc;
}

std::string encode_event(const LogEvent& event) {
  std::string bytes;
  pbf_writer message(bytes);
  message.add_double(kWallTime, event.wall_time);
  message.add_int64(kStep, event.step);
  pbf_writer summary(message, kSummary);
  for (const auto& [tag, scalar] : event.scalars) {
    pbf_writer value(summary, kValue);
    value.add_string(kTag, tag);
    value.add_float(kSimpleValue, static_cast<float>(scalar));
  }
  for (const auto& [tag, histogram] : event.histograms) {
    pbf_writer value(summary, kValue);
    value.add_string(kTag, tag);
    write_histogram(value, histogram);
  }
  for (const auto& [tag, text] : event.texts) {
    pbf_writer value(summary, kValue);
    value.add_string(kTag, tag);
    write_text(value, text);
  }
  if (!event.hyper_parameters.empty()) {
    pbf_writer value(summary, kValue);
    value.add_string(kTag, "_hparams_/session_start_info");
    write_hyper_parameters(value, event);
  }
  return bytes;
}

EventLog::EventLog(std::filesystem::path path, int64_t step) : path_(std::move(path)) {
  const std::string old = std::filesystem::exists(path_) ? read_file(path_) : "";
  const size_t kept = length_before(old, step);
  if (kept == 0) {
    write_file(path_, framed(version_event()));
  } else if (kept < old.size()) {
    write_file(path_, std::string_view(old).substr(0, kept));
  }
}

void EventLog::add(const LogEvent& event) { append(framed(encode_event(event))); }

void EventLog::append(std::string_view record) {
  std::ofstream file(path_, std::ios::binary | std::ios::app);
  file.write(record.data(), static_cast<std::streamsize>(record.size()));
  file.close();
  if (!file) throw Error(cat("cannot write '", path_.string(), "'"));
}

}  // namespace morph
