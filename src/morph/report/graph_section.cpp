#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/report/html.h"
#include "morph/report/layer_bars.h"
#include "morph/report/layered_layout.h"
#include "morph/report/network_blocks.h"
#include "morph/report/numbers.h"
#include "morph/report/sections.h"
#include "morph/report/svg.h"

namespace morph {
namespace {

constexpr double kBoxWidth = 114;
constexpr double kBoxHeight = 33;
constexpr double kPlainHeight = 20;  // Of boxes without a layer.
constexpr double kMargin = 2;        // For the strokes at the edges.
constexpr double kStub = 10;         // Of the arrows into a block and out of it.
constexpr size_t kNameLetters = 16;

constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kSigns = {
    {{"Add", "+"}, {"Sum", "+"}, {"Mul", "×"}}};

const char* style_of(Fate fate) {
  switch (fate) {
    case Fate::kKept:
      return "kept";
    case Fate::kBypassed:
      return "bypassed";
    case Fate::kRemoved:
      return "gone";
  }
  throw InternalError("fate without a style");
}

std::string widths_text(const OperatorFigures& node) {
  if (node.seed_width == 0) return {};
  if (node.learned_width == node.seed_width) return cat(node.seed_width);
  return cat(node.seed_width, " → ", node.learned_width);
}

/// What tells a layer from the others of its block, with as many of its last parts as fit: "conv1"
/// of "layer1.0.conv1" within "layer1.0", "branch1x1" of "mixed1.branch1x1.conv" within "mixed1".
std::string short_name(const std::string& long_name, const std::string& block) {
  const std::string name = dotted_name(long_name);
  const size_t skip = name.starts_with(block + ".") ? block.size() + 1 : 0;
  std::string text = name.substr(skip);
  for (const std::string_view ending : {".conv", ".Conv", ".0"}) {
    if (text.ends_with(ending)) text.resize(text.size() - ending.size());
  }
  while (text.size() > kNameLetters && text.find('.') != std::string::npos) {
    text = text.substr(text.find('.') + 1);
  }
  return shorten(text, kNameLetters);
}

std::string sign_of(const std::string& op) {
  for (const auto& [known, sign] : kSigns) {
    if (op == known) return std::string(sign);
  }
  return op;
}

/// A drawing of one block.
class BlockDrawing {
 public:
  BlockDrawing(const std::vector<OperatorFigures>& graph,
               const std::vector<NetworkBox>& boxes,
               const NetworkBlock& block)
      : graph_(graph), boxes_(boxes), block_(block), layout_(lay_out(layout_boxes())) {}

  double width() const { return layout_.width + 2 * kMargin; }

  std::string draw() const {
    std::string content = arrows(true) + arrows(false) + way_out();
    for (size_t i = 0; i < block_.count; ++i) content += "\n" + draw_box(i);
    const double height = layout_.height + kStub;
    return element("svg",
                   {{"xmlns", "http://www.w3.org/2000/svg"},
                    {"class", "blocks"},
                    {"role", "img"},
                    {"aria-label", label()},
                    {"width", coordinate(width())},
                    {"height", coordinate(height)},
                    {"viewBox", cat("0 0 ", coordinate(width()), " ", coordinate(height))}},
                   content);
  }

 private:
  const NetworkBox& box(size_t i) const { return boxes_[block_.first + i]; }
  const OperatorFigures& head(size_t i) const { return graph_[box(i).head]; }

  /// Where the boxes of the block begin in the layout: after the place where arrows come in.
  size_t entries() const { return block_.first == 0 ? 0 : 1; }

  std::vector<LayoutBox> layout_boxes() const {
    std::vector<LayoutBox> places;
    if (entries() == 1) places.push_back({.width = 1, .height = 0});
    for (size_t i = 0; i < block_.count; ++i) {
      LayoutBox place = {.width = kBoxWidth,
                         .height = head(i).has_weights ? kBoxHeight : kPlainHeight};
      for (const size_t input : box(i).inputs) {
        const size_t from = input < block_.first ? 0 : input - block_.first + entries();
        const bool known = std::ranges::find(place.inputs, from) != place.inputs.end();
        if (!known) place.inputs.push_back(from);
      }
      places.push_back(place);
    }
    return places;
  }

  /// What comes in is the last box before the block.
  Fate fate_at(size_t place) const {
    return place < entries() ? boxes_[block_.first - 1].fate : box(place - entries()).fate;
  }

  bool is_faint(const LayoutRoute& route) const {
    return fate_at(route.from) == Fate::kRemoved || fate_at(route.to) == Fate::kRemoved;
  }

  static LayoutPoint moved(const LayoutPoint& point) { return {point.x + kMargin, point.y}; }

  /// Arrows of one box are one path, so that where they share a lane it is drawn once.
  std::string arrows(bool faint) const {
    std::map<size_t, std::string> ways;
    for (const LayoutRoute& route : layout_.routes) {
      if (is_faint(route) == faint) ways[route.from] += way(route);
    }
    std::string content;
    for (const auto& [from, way] : ways) {
      content += leaf("path", {{"class", faint ? "arrow gone" : "arrow"}, {"d", way}});
    }
    return content;
  }

  static std::string way(const LayoutRoute& route) {
    LayoutPoint at = moved(route.points.front());
    std::string path = cat("M", coordinate(at.x), " ", coordinate(at.y));
    for (size_t i = 1; i < route.points.size(); ++i) {
      const LayoutPoint next = moved(route.points[i]);
      if (next.x == at.x) {
        path += cat("V", coordinate(next.y));
      } else {
        const std::string middle = coordinate((at.y + next.y) / 2);
        path += cat("C", coordinate(at.x), " ", middle, " ", coordinate(next.x), " ", middle);
        path += cat(" ", coordinate(next.x), " ", coordinate(next.y));
      }
      at = next;
    }
    return path;
  }

  std::string way_out() const {
    const size_t last = layout_.boxes.size() - 1;
    if (block_.first + block_.count == boxes_.size()) return {};
    const LayoutPoint at = moved(layout_.boxes[last]);
    const bool gone = fate_at(last) == Fate::kRemoved;
    return leaf("path",
                {{"class", gone ? "arrow gone" : "arrow"},
                 {"d",
                  cat("M",
                      coordinate(at.x),
                      " ",
                      coordinate(at.y),
                      "V",
                      coordinate(layout_.height + kStub))}});
  }

  std::string draw_box(size_t i) const {
    const OperatorFigures& node = head(i);
    const LayoutPoint at = moved(layout_.boxes[i + entries()]);
    const double left = at.x - kBoxWidth / 2;
    const double height = node.has_weights ? kBoxHeight : kPlainHeight;
    std::string content = tooltip(tip(i));
    content += leaf("rect",
                    {{"class", node.has_weights ? "frame" : "frame plain"},
                     {"x", coordinate(left)},
                     {"y", coordinate(at.y)},
                     {"width", coordinate(kBoxWidth)},
                     {"height", coordinate(height)},
                     {"rx", node.has_weights ? "4" : "10"}});
    content += node.has_weights ? layer_inside(node, left, at.y) : plain_inside(node, at);
    return element("g", {{"class", cat("box ", style_of(box(i).fate))}}, content);
  }

  std::string layer_inside(const OperatorFigures& node, double left, double top) const {
    const double inside = kBoxWidth - 12;
    const double share = node.seed_width > 0 ? static_cast<double>(node.learned_width) /
                                                   static_cast<double>(node.seed_width)
                                             : 0;
    std::string content =
        text_at({coordinate(left + 6), top + 12, "name"}, short_name(node.name, block_.name));
    content += text_at({coordinate(left + 6), top + 24, "detail"}, node.detail);
    content += text_at({coordinate(left + kBoxWidth - 6), top + 24, "widths end"},
                       node.removed ? cat(node.seed_width, " removed") : widths_text(node));
    content += strip("share seed", left + 6, top, inside);
    return content + (share > 0 ? strip("share learned", left + 6, top, inside * share) : "");
  }

  static std::string strip(const char* style, double left, double top, double width) {
    return leaf("rect",
                {{"class", style},
                 {"x", coordinate(left)},
                 {"y", coordinate(top + kBoxHeight - 6)},
                 {"width", coordinate(width)},
                 {"height", "3"}});
  }

  static std::string plain_inside(const OperatorFigures& node, const LayoutPoint& at) {
    std::string text = sign_of(node.op);
    if (node.removed && node.inputs.size() > 1) text += " passes";
    if (!node.detail.empty()) text += " " + node.detail;
    const std::string widths = widths_text(node);
    const bool fits = text.size() + widths.size() < 20;
    if (node.inputs.size() > 1 && fits && !node.removed) text += "  " + widths;
    return text_at({coordinate(at.x), at.y + 14, "detail middle"}, shorten(text, 18));
  }

  std::string tip(size_t i) const {
    std::string text;
    for (const size_t member : box(i).operators) {
      const OperatorFigures& node = graph_[member];
      text += cat(text.empty() ? "" : "\n", node.name, " (", node.op);
      if (!node.detail.empty()) text += " " + node.detail;
      text += cat("), ", widths_text(node), node.removed ? ", removed" : "");
    }
    return text;
  }

  std::string label() const {
    std::string text = block_.name.empty() ? "Part of the network:" : "Block " + block_.name + ":";
    for (size_t i = 0; i < block_.count; ++i) {
      text += cat(i == 0 ? " " : ", ", head(i).name, " ", widths_text(head(i)));
      if (box(i).fate == Fate::kRemoved) text += " removed";
    }
    return text + ".";
  }

  const std::vector<OperatorFigures>& graph_;
  const std::vector<NetworkBox>& boxes_;
  const NetworkBlock& block_;
  LayeredLayout layout_;
};

std::string card(const NetworkBlock& block, const std::string& drawing) {
  const std::string name = block.name.empty() ? "" : element("figcaption", {}, escape(block.name));
  return element("figure", {{"class", "block"}}, name + drawing) + "\n";
}

std::string caption(const std::vector<NetworkBox>& boxes) {
  const auto gone = std::count_if(
      boxes.begin(), boxes.end(), [](const NetworkBox& box) { return box.fate == Fate::kRemoved; });
  std::string text =
      "The seed from input to output, down each column: a box is a layer with what is applied to "
      "it, its numbers are the channels before and after, its bar the share that is left.";
  if (gone == 0) return text + " Nothing was removed.";
  return text + cat(" Faint and dashed: ",
                    gone,
                    gone == 1 ? " box that was" : " boxes that were",
                    " removed.");
}

}  // namespace

std::string graph_section(const RunReport& run) {
  if (run.graph.empty()) return section("network", "Network", quiet("No network recorded."));
  const std::vector<NetworkBox> boxes = network_boxes(run.graph);
  std::string cards;
  double widest = 0;
  for (const NetworkBlock& block : network_blocks(run.graph, boxes)) {
    const BlockDrawing drawing(run.graph, boxes, block);
    widest = std::max(widest, drawing.width());
    cards += card(block, drawing.draw());
  }
  const std::string style = cat("--column:", coordinate(widest), "px");
  return section(
      "network",
      "Network",
      quiet(caption(boxes)) + element("div", {{"class", "columns"}, {"style", style}}, cards));
}

}  // namespace morph
