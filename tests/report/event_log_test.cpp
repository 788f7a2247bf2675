#include "morph/report/event_log.h"

#include <filesystem>
#include <string>

#include "expect_error.h"
#include "shell.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "morph/base/file.h"

namespace morph {
namespace {

using nlohmann::json;
using namespace std::string_literals;

std::filesystem::path fresh_file(const std::string& name) {
  const std::filesystem::path folder = output_folder() / "events" / name;
  std::filesystem::remove_all(folder);
  return folder / "events.out.tfevents.0.test";
}

LogEvent scalar_at(int64_t step, double value) {
  return {
      .wall_time = 1000.0 + static_cast<double>(step), .step = step, .scalars = {{"loss", value}}};
}

/// A log of steps 1, 2 and 3.
std::string three_steps(const std::filesystem::path& path) {
  EventLog log(path, 1);
  for (const int64_t step : {1, 2, 3}) log.add(scalar_at(step, 0.5));
  return read_file(path);
}

TEST(Crc32c, KnownVectors) {
  EXPECT_EQ(crc32c(""), 0U);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);  // The check value of the CRC catalogue.
  // RFC 3720, B.4: 32 bytes of zeros, of ones, and 0 to 31.
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
  std::string rising;
  for (char byte = 0; byte < 32; ++byte) rising += byte;
  EXPECT_EQ(crc32c(rising), 0x46DD794EU);
}

TEST(EncodeEvent, BytesOfAScalarByHand) {
  const LogEvent event = {.wall_time = 2, .step = 3, .scalars = {{"a", 1}}};
  EXPECT_EQ(encode_event(event),
            "\x09\0\0\0\0\0\0\0\x40"  // 1: double 2.
            "\x10\x03"                // 2: varint 3.
            "\x2A\x0A"                // 5: the summary, 10 bytes.
            "\x0A\x08"                // 1: a value, 8 bytes.
            "\x0A\x01"
            "a"                    // 1: the tag.
            "\x15\0\0\x80\x3F"s);  // 2: float 1.
}

TEST(EventLog, BeginsWithTheRecordThatNamesTheFormat) {
  const auto path = fresh_file("version");
  const EventLog log(path, 1);
  // TensorFlow's own first record but for the time: length 24, the masked CRC of the length.
  const std::string file = read_file(path);
  ASSERT_EQ(file.size(), 12U + 24U + 4U);
  EXPECT_EQ(file.substr(0, 12), "\x18\0\0\0\0\0\0\0\xA3\x7F\x4B\x22"s);
  EXPECT_EQ(file.substr(12, 24),
            "\x09\0\0\0\0\0\0\0\0\x1A\x0D"
            "brain.Event:2"s);
}

TEST(EventLog, IsWholeAfterEachEvent) {
  const auto path = fresh_file("whole");
  EventLog log(path, 1);
  const std::string before = read_file(path);
  log.add(scalar_at(1, 0.5));
  const std::string after = read_file(path);
  EXPECT_EQ(after.substr(0, before.size()), before);
  EXPECT_EQ(after.size() - before.size(), 16 + encode_event(scalar_at(1, 0.5)).size());
}

TEST(EventLog, GoingOnReplacesWhatIsRunAgain) {
  const auto path = fresh_file("going_on");
  const std::string whole = three_steps(path);
  EventLog again(path, 2);
  again.add(scalar_at(2, 0.5));
  again.add(scalar_at(3, 0.5));
  EXPECT_EQ(read_file(path), whole);
  const EventLog later(path, 4);
  EXPECT_EQ(read_file(path), whole);
}

TEST(EventLog, ARecordThatWasCutOffOrDamagedGoes) {
  const auto path = fresh_file("damaged");
  const std::string whole = three_steps(path);
  write_file(path, whole.substr(0, whole.size() - 1));
  EventLog cut_off(path, 4);
  cut_off.add(scalar_at(3, 0.5));
  EXPECT_EQ(read_file(path), whole);

  std::string damaged = whole;
  damaged[whole.size() - 8] ^= 1;
  write_file(path, damaged);
  EventLog repaired(path, 4);
  repaired.add(scalar_at(3, 0.5));
  EXPECT_EQ(read_file(path), whole);
}

TEST(EventLog, AnotherFileIsReplaced) {
  const auto path = fresh_file("another");
  write_file(path, "not a file of events at all");
  const EventLog log(path, 1);
  EXPECT_EQ(read_file(path).size(), 40U);
}

TEST(EventLog, SaysWhatItCannotWrite) {
  const auto path = fresh_file("unwritable");
  EventLog log(path, 1);
  std::filesystem::remove_all(path.parent_path());
  EXPECT_ERROR(log.add(scalar_at(1, 0.5)), "cannot write '" + path.string());
}

/// A Python that has TensorBoard, or "".
std::string find_tensorboard() {
  const auto own = std::filesystem::path(MORPH_SOURCE_DIR) / ".venv" / "bin" / "python3";
  for (const std::string& python : {quoted(own), "python3"s}) {
    if (run_shell(python + " -c 'import tensorboard'").status == 0) return python;
  }
  return {};
}

TEST(EventLog, TensorBoardReadsIt) {
  const std::string python = find_tensorboard();
  if (python.empty())
    GTEST_SKIP() << "no Python with tensorboard: scripts/setup --test installs it";
  const auto path = fresh_file("tensorboard");
  {
    EventLog log(path, 1);
    LogEvent event = scalar_at(1, 0.75);
    event.histograms["gates"] = {.lowest = 0.01, .per_decade = 1, .counts = {3, 0, 5, 2}};
    event.texts["widths"] = "| conv1 | 16 → 9 |";
    event.hyper_parameters = {{"rate", 0.1}, {"inherit", false}, {"budgets/0", "flops=0.5x"}};
    log.add(event);
    log.add(scalar_at(2, 0.25));
  }
  const auto reader = std::filesystem::path(MORPH_SOURCE_DIR) / "tests/report/read_events.py";
  const ShellResult result =
      run_shell(python + " " + quoted(reader) + " " + quoted(path.parent_path()) + " 2>/dev/null");
  ASSERT_EQ(result.status, 0) << result.output;
  const json found = json::parse(result.output);
  EXPECT_EQ(found["scalars"]["loss"], json::parse("[[1, 0.75], [2, 0.25]]"));
  EXPECT_EQ(found["texts"]["widths"], json::parse(R"([[1, "text", "| conv1 | 16 → 9 |"]])"));
  const json gates = found["histograms"]["gates"][0];
  EXPECT_EQ(gates[0], 1);
  EXPECT_NEAR(gates[1][0].get<double>(), 0.01, 1e-12);
  EXPECT_NEAR(gates[1][2].get<double>(), 1.0, 1e-12);
  EXPECT_EQ(gates[2], json::parse("[3, 0, 5, 2]"));
  EXPECT_EQ(found["hparams"],
            json::parse(R"({"rate": 0.1, "inherit": false, "budgets/0": "flops=0.5x"})"));
  EXPECT_EQ(found["started"], 1001);
}

}  // namespace
}  // namespace morph
