#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "morph/report/report.h"

namespace morph {

/// What a run was asked for, as TensorBoard tells apart: a number, yes or no, a word.
using HyperParameter = std::variant<double, bool, std::string>;

/// What TensorBoard is told at one step, by tag.
struct LogEvent {
  double wall_time = 0;  ///< Seconds since 1970.
  int64_t step = 0;
  std::map<std::string, double> scalars = {};
  std::map<std::string, GateHistogram> histograms = {};
  std::map<std::string, std::string> texts = {};  ///< Markdown.
  /// By name, of a run that starts here; "HPARAMS" shows the figures of its folder and those below
  /// beside them.
  std::map<std::string, HyperParameter> hyper_parameters = {};
};

/// CRC-32C (Castagnoli, polynomial 0x1EDC6F41) as in RFC 3720, B.4.
uint32_t crc32c(std::string_view bytes);

/// The event as TensorFlow's protobuf message Event with one Summary.
std::string encode_event(const LogEvent& event);

/// A file of events that TensorBoard reads, also while it is being written: TFRecords, each
///
///   length (8 bytes) · masked CRC of the length (4) · bytes · masked CRC of the bytes (4)
///
/// little-endian, mask(c) = (c >> 15 | c << 17) + 0xA282EAD8 (TensorFlow, record_writer.h). The
/// first names the version of the format.
class EventLog {
 public:
  /// Goes on with `path` from `step`: what the file holds of that step and later ones goes, as does
  /// a record that is damaged and what follows it. Makes the file and its folder where there is
  /// none. Throws Error if it cannot be written.
  EventLog(std::filesystem::path path, int64_t step);

  /// Adds an event and hands it to the system. Throws Error if it cannot be written.
  void add(const LogEvent& event);

 private:
  void append(std::string_view record);

  std::filesystem::path path_;
};

}  // namespace morph
