#include "morph/base/file.h"

#include <fstream>
#include <thread>

#include "expect_error.h"
#include <unistd.h>

namespace morph {
namespace {

namespace fs = std::filesystem;

/// A fresh folder for each test, removed after it.
class File : public ::testing::Test {
 protected:
  File() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(MORPH_BINARY_DIR) / "tests" / "base" / cat("file_", test->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }

  ~File() override {
    std::error_code ignored;
    fs::permissions(folder_, fs::perms::owner_all, ignored);
    fs::remove_all(folder_, ignored);
  }

  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      found.push_back(entry.path().filename().string());
    }
    return found;
  }

  fs::path folder_;
};

TEST_F(File, GivesBackWhatWasWritten) {
  const std::string bytes("line\r\n\0\xFF end", 12);
  write_file(folder_ / "a.bin", bytes);
  EXPECT_EQ(read_file(folder_ / "a.bin"), bytes);
  write_file(folder_ / "empty", "");
  EXPECT_EQ(read_file(folder_ / "empty"), "");
}

TEST_F(File, MakesParentFolders) {
  write_file(folder_ / "run" / "deep" / "a.txt", "x");
  EXPECT_EQ(read_file(folder_ / "run" / "deep" / "a.txt"), "x");
}

TEST_F(File, ReplacesTheOldFileAndLeavesNothingElse) {
  write_file(folder_ / "a.txt", "a long old text");
  write_file(folder_ / "a.txt", [](std::ostream& out) { out << "new " << 7; });
  EXPECT_EQ(read_file(folder_ / "a.txt"), "new 7");
  EXPECT_THAT(names(), ::testing::ElementsAre("a.txt"));
}

TEST_F(File, KeepsTheOldFileWhenTheWriterFails) {
  write_file(folder_ / "a.txt", "old");
  EXPECT_ERROR(write_file(folder_ / "a.txt",
                          [](std::ostream& out) {
                            out << "half of the new";
                            throw Error("out of ideas");
                          }),
               "out of ideas");
  EXPECT_EQ(read_file(folder_ / "a.txt"), "old");
  EXPECT_THAT(names(), ::testing::ElementsAre("a.txt"));
}

TEST_F(File, ReportsAStreamThatFailed) {
  EXPECT_ERROR(
      write_file(folder_ / "a.txt", [](std::ostream& out) { out.setstate(std::ios::badbit); }),
      "cannot write");
  EXPECT_THAT(names(), ::testing::IsEmpty());
}

TEST_F(File, NeverShowsAReaderAPart) {
  const fs::path path = folder_ / "a.txt";
  const std::string one(200'000, '1');
  const std::string two(100'000, '2');
  write_file(path, one);
  std::jthread writer([&] {
    for (int i = 0; i < 20; ++i) write_file(path, i % 2 == 0 ? two : one);
  });
  for (int i = 0; i < 200; ++i) {
    // Not read_file(): it may take the size of one version and the bytes of the next.
    std::ifstream in(path, std::ios::binary);
    const std::string seen{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    ASSERT_TRUE(seen == one || seen == two) << seen.size() << " bytes";
  }
}

TEST_F(File, NamesPathAndReasonWhenItCannotRead) {
  EXPECT_ERROR(read_file(folder_ / "none.txt"), (folder_ / "none.txt").string());
  EXPECT_ERROR(read_file(folder_ / "none.txt"), "No such file or directory");
  EXPECT_ERROR(read_file(folder_), "Is a directory");
}

TEST_F(File, NamesPathAndReasonWhenItCannotWrite) {
  EXPECT_ERROR(write_file(folder_, "x"), cat("cannot write '", folder_.string(), "': "));
  write_file(folder_ / "file", "x");
  EXPECT_ERROR(write_file(folder_ / "file" / "a.txt", "x"),
               cat("'", (folder_ / "file").string(), "': Not a directory"));
  EXPECT_ERROR(make_writable_folder(folder_ / "file"), "cannot make the folder");
  EXPECT_ERROR(write_file("/proc/none/a.txt", "x"), "cannot make the folder '/proc/none'");
}

TEST_F(File, RefusesAFolderWithoutPermission) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write anywhere";
  fs::permissions(folder_, fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_ERROR(write_file(folder_ / "a.txt", "x"), "Permission denied");
  EXPECT_ERROR(make_writable_folder(folder_), "cannot write into");
}

TEST_F(File, MakesFoldersThatCanBeWrittenInto) {
  make_writable_folder(folder_ / "a" / "b");
  EXPECT_TRUE(fs::is_directory(folder_ / "a" / "b"));
  EXPECT_NO_THROW(make_writable_folder(folder_ / "a" / "b"));
}

}  // namespace
}  // namespace morph
