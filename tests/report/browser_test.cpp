#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

#include "sample_run.h"
#include "sample_sweep.h"
#include "shell.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "morph/base/error.h"
#include "morph/base/file.h"
#include "morph/report/html.h"
#include "morph/report/report.h"

namespace morph {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

enum class Scheme { kDark = 0, kLight = 1 };  // Chromium's numbers.

struct Window {
  int width = 1200;
  int height = 1600;
  Scheme scheme = Scheme::kLight;
};

std::string find_browser() {
  for (const char* name : {"chromium", "chromium-browser", "google-chrome"}) {
    if (has_program(name)) return name;
  }
  return {};
}

class BrowserTest : public ::testing::Test {
 protected:
  void SetUp() override {
    browser_ = find_browser();
    if (browser_.empty()) GTEST_SKIP() << "no chromium on this machine: nothing was looked at";
    const std::string name = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    folder_ = output_folder() / name;
    make_writable_folder(folder_);
  }

  /// Opens the page; its console and Chromium's own messages are in the output.
  ShellResult open(const std::filesystem::path& page,
                   const Window& window,
                   const std::string& action) const {
    const std::string command =
        cat("timeout 120 ",
            browser_,
            " --headless --no-sandbox --disable-gpu --hide-scrollbars --enable-logging=stderr",
            " --disable-background-networking --user-data-dir=",
            quoted(folder_ / "profile"),
            " --window-size=",
            window.width,
            ",",
            window.height,
            " --blink-settings=preferredColorScheme=",
            static_cast<int>(window.scheme),
            " ",
            action,
            " ",
            quoted("file://" + page.string()));
    ShellResult result = run_shell(command);
    EXPECT_EQ(result.status, 0) << command << "\n" << result.output;
    return result;
  }

  std::filesystem::path write_page(const std::string& name, const std::string& page) const {
    const auto path = folder_ / name;
    write_file(path, page);
    return path;
  }

  std::string browser_;
  std::filesystem::path folder_;
};

std::string script(const std::string& name) {
  const auto folder = std::filesystem::path(MORPH_SOURCE_DIR) / "tests" / "report";
  return "<script>" + read_file(folder / name) + "</script>";
}

std::string with_probe(std::string page) {
  page.insert(page.find("<head>") + 6, script("watch.js"));
  page.insert(page.rfind("</body>"), script("measure.js"));
  return page;
}

/// The page in a frame, because a headless window is never narrower than 500 pixels.
std::string framed(const std::string& page, int width) {
  return cat("<!DOCTYPE html><body><iframe style='border:0;height:3000px;width:",
             width,
             "px' srcdoc=\"",
             escape(page),
             "\"></iframe></body>");
}

json found_in(const std::string& dom) {
  const size_t from = dom.rfind("FOUND{");
  const size_t to = dom.rfind("}DNUOF");
  if (from == std::string::npos || to == std::string::npos) throw Error("no measurement:\n" + dom);
  return json::parse(dom.substr(from + 5, to + 1 - from - 5));
}

void expect_positive(const json& widths, size_t count) {
  EXPECT_EQ(widths.size(), count);
  for (const json& width : widths) EXPECT_GT(width.get<double>(), 0);
}

/// Width and height from the header of a PNG file.
std::array<uint32_t, 2> png_size(const std::string& png) {
  const auto word = [&](size_t at) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) value = value << 8U | static_cast<unsigned char>(png.at(at + i));
    return value;
  };
  return {word(16), word(20)};
}

TEST_F(BrowserTest, PageIsWholeAtEachSizeAndWidth) {
  for (const int layers : {9, 21, 105}) {
    const RunReport run = sample_run(layers);
    const std::string page = with_probe(render_report(run));
    const auto removed = static_cast<size_t>(std::count_if(
        run.layers.begin(), run.layers.end(), [](const auto& layer) { return layer.removed; }));
    const size_t bars = 2 * run.layers.size() - removed;
    for (const int width : {1200, 400}) {
      SCOPED_TRACE(cat(layers, " layers, ", width, " pixels"));
      const auto path = write_page(cat(layers, "_", width, ".html"), framed(page, width));
      const ShellResult result = open(path, {}, "--dump-dom");
      EXPECT_THAT(result.output, Not(HasSubstr(":CONSOLE")));
      const json found = found_in(result.output);
      EXPECT_EQ(found["faults"], json::array());
      EXPECT_EQ(found["requests"], json::array());
      EXPECT_EQ(found["window"], width);
      EXPECT_LE(found["page"], width) << "no scrolling sideways";
      EXPECT_EQ(found["cut"], 0) << "no name or figure is cut off at the edge of the window";
      EXPECT_EQ(found["networks"], 5);
      EXPECT_EQ(found["unlabelled"], 0);
      EXPECT_EQ(found["tips"], run.layers.size());
      // Accuracy 3, cost 2 resources in 1 phase, target 1, strength 1, loss 2 sets in 3, rate 3.
      EXPECT_EQ(found["curves"], 3 + 2 + 1 + 1 + 6 + 3);
      expect_positive(found["layers"], bars);
      ASSERT_EQ(found["costs"].size(), 3U);
      for (const json& resource : found["costs"]) {
        EXPECT_GT(resource["shown"], 0);
        expect_positive(resource["bars"], bars);
      }
    }
  }
}

TEST_F(BrowserTest, EmptyRunRaisesNoFault) {
  const auto path = write_page("empty.html", with_probe(render_report({})));
  const ShellResult result = open(path, {}, "--dump-dom");
  EXPECT_THAT(result.output, Not(HasSubstr(":CONSOLE")));
  const json found = found_in(result.output);
  EXPECT_EQ(found["faults"], json::array());
  EXPECT_EQ(found["layers"], json::array());
}

TEST_F(BrowserTest, SweepIsWholeAtEachWidth) {
  const std::string page = with_probe(render_sweep(sample_sweep()));
  for (const int width : {1200, 400}) {
    SCOPED_TRACE(width);
    const auto path = write_page(cat("sweep_", width, ".html"), framed(page, width));
    const ShellResult result = open(path, {}, "--dump-dom");
    EXPECT_THAT(result.output, Not(HasSubstr(":CONSOLE")));
    const json found = found_in(result.output);
    EXPECT_EQ(found["faults"], json::array());
    EXPECT_EQ(found["requests"], json::array());
    EXPECT_LE(found["page"], width) << "no scrolling sideways";
    EXPECT_EQ(found["unlabelled"], 0);
    // Morphnet and uniform; the inherited network and the seed are single dots.
    EXPECT_EQ(found["curves"], 2);
    EXPECT_EQ(found["networks"], 6) << "a row for each cell";
  }
}

TEST_F(BrowserTest, PicturesOfASweep) {
  const auto picture = write_page("sweep.svg", render_sweep_chart(sample_sweep(), "flops"));
  const auto page = write_page("sweep.html", render_sweep(sample_sweep()));
  std::vector<std::string> shots;
  for (const auto& [file, name, scheme] : {std::tuple(picture, "picture_light", Scheme::kLight),
                                           std::tuple(picture, "picture_dark", Scheme::kDark),
                                           std::tuple(page, "page_light", Scheme::kLight)}) {
    const auto path = folder_ / cat(name, ".png");
    std::filesystem::remove(path);
    open(file, {1200, 1700, scheme}, "--screenshot=" + quoted(path));
    shots.push_back(read_file(path));
    EXPECT_EQ(png_size(shots.back()), (std::array<uint32_t, 2>{1200, 1700}));
  }
  EXPECT_NE(shots[0], shots[1]) << "the picture follows the reader's choice of light or dark";
}

TEST_F(BrowserTest, ThePolicyOfThePageForbidsRequests) {
  std::string page = render_report(sample_run(9));
  page.insert(page.rfind("</main>"), R"(<img src="http://127.0.0.1:9/x.png"/>)");
  const auto path = write_page("request.html", page);
  // Chromium reports it on the console, so the silence that the other tests ask for counts.
  EXPECT_THAT(open(path, {}, "--dump-dom").output,
              AllOf(HasSubstr(":CONSOLE"), HasSubstr("Content Security Policy")));
}

TEST_F(BrowserTest, ScreenshotsInLightAndDark) {
  const auto page = write_page("page.html", render_report(sample_run(21)));
  for (const int width : {1200, 400}) {
    std::vector<std::string> shots;
    for (const Scheme scheme : {Scheme::kLight, Scheme::kDark}) {
      const auto path = folder_ / cat(width, scheme == Scheme::kLight ? "_light" : "_dark", ".png");
      std::filesystem::remove(path);
      open(page, {width, 2900, scheme}, "--screenshot=" + quoted(path));
      shots.push_back(read_file(path));
      EXPECT_EQ(png_size(shots.back()),
                (std::array<uint32_t, 2>{static_cast<uint32_t>(width), 2900}));
    }
    EXPECT_NE(shots[0], shots[1]);
  }
}

}  // namespace
}  // namespace morph
