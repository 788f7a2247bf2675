#include "morph/train/training_checkpoint.h"

#include <string_view>
#include <system_error>

#include "morph/base/error.h"
#include "morph/base/file.h"
#include "morph/base/fnv.h"
#include "morph/checkpoint/safetensors.h"

namespace morph {
namespace {

constexpr std::string_view kFormat = "morphnet-checkpoint";
constexpr int64_t kVersion = 1;
constexpr std::string_view kPrefix = "checkpoint-";
constexpr std::string_view kSuffix = ".safetensors";

/// In hexadecimal.
std::string checksum(std::string_view bytes) {
  std::ostringstream text;
  text << std::hex << fnv1a(bytes);
  return text.str();
}

[[noreturn]] void throw_damaged(const std::filesystem::path& file, const std::string& reason) {
  throw Error(cat("the checkpoint ",
                  file.string(),
                  " is damaged: ",
                  reason,
                  ". Remove ",
                  checkpoint_file(file.parent_path()).string(),
                  " to start over, or put back a copy of both of its files"));
}

void remove_tensor_files(const std::filesystem::path& folder, const std::string& except) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name != except && name.starts_with(kPrefix) && name.ends_with(kSuffix)) {
      std::filesystem::remove(entry.path(), ignored);
    }
  }
}

TrainingCheckpoint parse(const std::filesystem::path& folder, const nlohmann::json& json) {
  const std::filesystem::path file = checkpoint_file(folder);
  if (json.at("format") != kFormat) throw_damaged(file, "it is not a checkpoint of a training run");
  if (json.at("version") != kVersion) {
    throw Error(cat("the checkpoint ",
                    file.string(),
                    " has version ",
                    json.at("version").dump(),
                    ", this program reads version ",
                    kVersion,
                    ": go on with the program that wrote it, or remove it to start over"));
  }
  const nlohmann::json& about = json.at("tensors");
  const std::filesystem::path tensors = folder / about.at("file").get<std::string>();
  if (!std::filesystem::exists(tensors)) throw_damaged(tensors, "the file is missing");
  const std::string bytes = read_file(tensors);
  if (bytes.size() != about.at("size").get<size_t>()) {
    throw_damaged(tensors,
                  cat("it has ", bytes.size(), " bytes, expected ", about.at("size").dump()));
  }
  if (checksum(bytes) != about.at("checksum").get<std::string>()) {
    throw_damaged(tensors, "its checksum is another");
  }
  return {.position = json.at("position").get<std::string>(),
          .state = json.at("state"),
          .tensors = read_safetensors(tensors).tensors};
}

}  // namespace

std::filesystem::path checkpoint_file(const std::filesystem::path& folder) {
  return folder / "checkpoint.json";
}

void write_checkpoint(const std::filesystem::path& folder, const TrainingCheckpoint& checkpoint) {
  const std::string name = cat(kPrefix, checkpoint.position, kSuffix);
  write_safetensors(folder / name, {.tensors = checkpoint.tensors, .metadata = {}});
  const std::string bytes = read_file(folder / name);
  const nlohmann::json json = {
      {"format", kFormat},
      {"version", kVersion},
      {"position", checkpoint.position},
      {"tensors", {{"file", name}, {"size", bytes.size()}, {"checksum", checksum(bytes)}}},
      {"state", checkpoint.state},
  };
  write_file(checkpoint_file(folder), json.dump(1) + "\n");
  remove_tensor_files(folder, name);
}

std::optional<TrainingCheckpoint> read_checkpoint(const std::filesystem::path& folder) {
  const std::filesystem::path file = checkpoint_file(folder);
  if (!std::filesystem::exists(file)) return std::nullopt;
  try {
    return parse(folder, nlohmann::json::parse(read_file(file)));
  } catch (const nlohmann::json::exception& error) {
    throw_damaged(file, error.what());
  }
}

void remove_checkpoint(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::filesystem::remove(checkpoint_file(folder), ignored);
  remove_tensor_files(folder, "");
}

}  // namespace morph
