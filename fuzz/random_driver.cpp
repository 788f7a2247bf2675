#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "morph/base/error.h"
#include "morph/base/file.h"
#include "morph/base/random.h"
#include "morph/base/strings.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace morph {
namespace {

constexpr uint64_t kSeed = 20260901;

/// The files of a folder, in the order of their names.
std::vector<std::string> read_corpus(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> corpus;
  for (const auto& path : paths) corpus.push_back(read_file(path));
  return corpus;
}

size_t position(const std::string& text, Random& random) {
  return static_cast<size_t>(random.below(static_cast<int64_t>(text.size()) + 1));
}

/// One edit: a byte replaced, a stretch removed, or a stretch of another text put in.
void damage(std::string& text, const std::string& other, Random& random) {
  const size_t at = position(text, random);
  const auto length = static_cast<size_t>(random.below(16));
  switch (random.below(3)) {
    case 0:
      if (at < text.size()) text[at] = static_cast<char>(random.below(256));
      break;
    case 1:
      text.erase(at, length);
      break;
    default:
      text.insert(at, other.substr(position(other, random), length));
  }
}

void feed(const std::string& text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

void run(const std::filesystem::path& folder, int64_t rounds) {
  const std::vector<std::string> corpus = read_corpus(folder);
  if (corpus.empty()) throw Error(cat(folder.string(), ": no files there"));
  for (const std::string& text : corpus) feed(text);
  Random random(kSeed);
  const auto pick = [&]() -> const std::string& {
    return corpus[static_cast<size_t>(random.below(static_cast<int64_t>(corpus.size())))];
  };
  for (int64_t round = 0; round < rounds; ++round) {
    std::string text = pick();
    for (int64_t edits = 1 + random.below(4); edits > 0; --edits) damage(text, pick(), random);
    feed(text);
  }
  std::cout << corpus.size() << " files, " << rounds << " damaged texts, seed " << kSeed << "\n";
}

}  // namespace
}  // namespace morph

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: " << argv[0] << " CORPUS_FOLDER ROUNDS\n";
    return 2;
  }
  try {
    morph::run(argv[1], morph::parse_int(argv[2], "ROUNDS"));
  } catch (const morph::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  return 0;
}
