#include "morph/report/html.h"

#include <gtest/gtest.h>

namespace morph {
namespace {

TEST(Escape, CoversWhatMarkupGivesMeaning) {
  EXPECT_EQ(escape(R"(<a href="x">Tom & 'Jerry'</a>)"),
            "&lt;a href=&quot;x&quot;&gt;Tom &amp; &#39;Jerry&#39;&lt;/a&gt;");
}

TEST(Escape, LeavesOtherLettersAlone) {
  EXPECT_EQ(escape("layer1.conv2/µ – 32×32\t\n"), "layer1.conv2/µ – 32×32\t\n");
}

TEST(Escape, ReplacesControlCharacters) {
  EXPECT_EQ(escape(std::string("a\0b\x1b", 4)),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD");
}

TEST(Element, EscapesAttributesButNotContent) {
  EXPECT_EQ(element("p", {{"class", "a\"b"}, {"id", "c"}}, "<b>x</b>"),
            R"(<p class="a&quot;b" id="c"><b>x</b></p>)");
  EXPECT_EQ(element("i", {}, ""), "<i></i>");
}

TEST(Leaf, ClosesItself) { EXPECT_EQ(leaf("rect", {{"x", "1"}}), R"(<rect x="1"/>)"); }

TEST(Section, HasAnAnchorAndAHeading) {
  EXPECT_EQ(section("costs", "A & B", "<p>x</p>"),
            "<section id=\"costs\"><h2>A &amp; B</h2><p>x</p></section>\n");
  EXPECT_EQ(quiet("a < b"), R"(<p class="quiet">a &lt; b</p>)");
}

}  // namespace
}  // namespace morph
