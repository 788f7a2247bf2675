#include "morph/sweep/child_process.h"

#include <chrono>
#include <csignal>
#include <thread>

#include "expect_error.h"
#include "temporary_folder.h"
#include <sys/wait.h>
#include <unistd.h>

#include "morph/base/file.h"

namespace morph {
namespace {

using ::testing::HasSubstr;

ChildOptions shell(const TemporaryFolder& folder, const std::string& script) {
  return {.program = "/bin/sh", .arguments = {"-c", script}, .log = folder / "log"};
}

/// Waits until the log holds `word`: then the child is where it said so.
void wait_for(const std::filesystem::path& log, const std::string& word) {
  while (!std::filesystem::exists(log) || read_file(log).find(word) == std::string::npos) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

TEST(ChildProcess, ItsOutputErrorsAndStatus) {
  const TemporaryFolder folder;
  overwrite(folder / "log", "before\n");
  ChildProcess child(shell(folder, "echo out; echo err >&2; read x || echo no input; exit 3"));
  EXPECT_EQ(child.wait(), 3);
  EXPECT_EQ(child.poll(), 3) << "as often as one asks";
  EXPECT_EQ(read_file(folder / "log"), "before\nout\nerr\nno input\n");
}

TEST(ChildProcess, GetsItsEnvironmentOnTopOfOurs) {
  const TemporaryFolder folder;
  setenv("MORPH_CHILD_TEST", "ours", 1);
  ChildOptions options = shell(folder, "echo $MORPH_CHILD_TEST $MORPH_CHILD_OTHER $HOME");
  options.environment = {{"MORPH_CHILD_TEST", "theirs"}, {"MORPH_CHILD_OTHER", "too"}};
  ChildProcess child(options);
  EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(read_file(folder / "log"), cat("theirs too ", getenv("HOME"), "\n"));
  EXPECT_STREQ(getenv("MORPH_CHILD_TEST"), "ours");
}

TEST(ChildProcess, EndsBySignal) {
  const TemporaryFolder folder;
  ChildProcess child(shell(folder, "kill -9 $$"));
  EXPECT_EQ(child.wait(), 128 + SIGKILL);
}

TEST(ChildProcess, MayEndInItsOwnWayWhenAsked) {
  const TemporaryFolder folder;
  ChildProcess child(
      shell(folder, "trap 'echo asked; exit 7' TERM; echo ready; while :; do sleep 0.01; done"));
  wait_for(folder / "log", "ready");
  EXPECT_EQ(child.poll(), std::nullopt);
  child.ask_to_end();
  EXPECT_EQ(child.wait(), 7);
  EXPECT_THAT(read_file(folder / "log"), HasSubstr("asked"));
}

TEST(ChildProcess, DoesNotOutliveItsObject) {
  const TemporaryFolder folder;
  {
    const ChildProcess child(shell(folder,
                                   "trap 'echo over; exit' TERM; echo ready; while :; do "
                                   "sleep 0.01; done"));
    wait_for(folder / "log", "ready");
  }
  EXPECT_THAT(read_file(folder / "log"), HasSubstr("over"));
}

TEST(ChildProcess, IsAskedToEndWhenItsParentIsKilled) {
  const TemporaryFolder folder;
  const pid_t parent = fork();
  if (parent == 0) {
    const ChildProcess child(shell(folder,
                                   "trap 'echo orphaned; exit' TERM; echo ready; while :; "
                                   "do sleep 0.01; done"));
    pause();
  }
  wait_for(folder / "log", "ready");
  kill(parent, SIGKILL);
  int status = 0;
  waitpid(parent, &status, 0);
  wait_for(folder / "log", "orphaned");
}

TEST(ChildProcess, HasAGroupOfItsOwn) {
  const TemporaryFolder folder;
  ChildProcess child(shell(folder, "ps -o pgid= -p $$ | tr -d ' '"));
  child.wait();
  EXPECT_NE(read_file(folder / "log"), cat(getpgrp(), "\n"));
}

TEST(ChildProcess, WhatCannotBeStarted) {
  const TemporaryFolder folder;
  EXPECT_ERROR(ChildProcess({.program = "/bin/sh", .log = folder / "none" / "log"}),
               "cannot write '");
  ChildProcess child({.program = "/no/such/program", .log = folder / "log"});
  EXPECT_EQ(child.wait(), 127);
}

}  // namespace
}  // namespace morph
