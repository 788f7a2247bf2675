#include "morph/report/layered_layout.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "morph/base/error.h"

namespace morph {
namespace {

constexpr double kColumnGap = 10;
constexpr double kRowGap = 15;
constexpr double kLaneWidth = 6;
constexpr int kSweeps = 6;

/// A box, or the place where arrows of one box pass a row.
struct Vertex {
  size_t row = 0;
  double width = 0;
  bool is_box = true;
  size_t lane = 0;
  std::vector<size_t> inputs = {};
  std::vector<size_t> outputs = {};
};

/// Vertices that stand above each other.
struct Lane {
  size_t first = 0;  ///< Row.
  size_t last = 0;
  double width = 0;
  double centre = 0;
  bool has_box = false;

  bool meets(const Lane& other) const { return first <= other.last && other.first <= last; }
};

class Layout {
 public:
  explicit Layout(std::span<const LayoutBox> boxes) : boxes_(boxes) {
    add_boxes();
    add_passages();
    make_lanes();
    find_neighbours();
    pack();
    for (int i = 0; i < kSweeps; ++i) straighten();
  }

  LayeredLayout result() const {
    LayeredLayout layout = {.width = right_edge() - left_edge()};
    const std::vector<double> tops = row_tops();
    layout.height = tops.back() - (boxes_.empty() ? 0 : kRowGap);
    for (size_t i = 0; i < boxes_.size(); ++i) {
      const size_t row = vertices_[i].row;
      const double slack = tops[row + 1] - kRowGap - tops[row] - boxes_[i].height;
      layout.boxes.push_back({x_of(i), tops[row] + slack / 2});
    }
    for (size_t to = 0; to < boxes_.size(); ++to) {
      for (const size_t from : boxes_[to].inputs) {
        layout.routes.push_back({from, to, points(from, to, layout, tops)});
      }
    }
    return layout;
  }

 private:
  void add_boxes() {
    for (size_t i = 0; i < boxes_.size(); ++i) {
      Vertex vertex = {.width = boxes_[i].width};
      for (const size_t input : boxes_[i].inputs) {
        MORPH_CHECK(input < i);
        vertex.row = std::max(vertex.row, vertices_[input].row + 1);
      }
      vertices_.push_back(vertex);
    }
  }

  void connect(size_t from, size_t to) {
    vertices_[from].outputs.push_back(to);
    vertices_[to].inputs.push_back(from);
  }

  /// The vertex at which arrows of `box` stand in `row`, below the box itself.
  size_t passage(size_t box, size_t row) {
    if (row == vertices_[box].row) return box;
    const auto found = passages_.find({box, row});
    if (found != passages_.end()) return found->second;
    const size_t above = passage(box, row - 1);
    const size_t vertex = vertices_.size();
    vertices_.push_back({.row = row, .width = kLaneWidth, .is_box = false});
    connect(above, vertex);
    passages_[{box, row}] = vertex;
    return vertex;
  }

  void add_passages() {
    for (size_t to = 0; to < boxes_.size(); ++to) {
      for (const size_t from : boxes_[to].inputs) {
        connect(passage(from, vertices_[to].row - 1), to);
      }
    }
  }

  bool continues(size_t above, size_t below) const {
    const Vertex& upper = vertices_[above];
    const Vertex& lower = vertices_[below];
    if (!upper.is_box && !lower.is_box) return true;
    return upper.outputs.size() == 1 && lower.inputs.size() == 1;
  }

  void make_lanes() {
    std::vector<bool> seen(vertices_.size(), false);
    for (size_t i = 0; i < boxes_.size(); ++i) {
      if (vertices_[i].inputs.empty()) visit(i, seen);
    }
  }

  /// Depth first, so that what follows from one branch stands left of the next branch.
  void visit(size_t start, std::vector<bool>& seen) {
    std::vector<size_t> open = {start};
    while (!open.empty()) {
      const size_t at = open.back();
      open.pop_back();
      if (seen[at]) continue;
      seen[at] = true;
      join_lane(at);
      const std::vector<size_t>& outputs = vertices_[at].outputs;
      open.insert(open.end(), outputs.rbegin(), outputs.rend());
    }
  }

  void join_lane(size_t at) {
    Vertex& vertex = vertices_[at];
    const bool joins = vertex.inputs.size() == 1 && continues(vertex.inputs.front(), at);
    vertex.lane = joins ? vertices_[vertex.inputs.front()].lane : lanes_.size();
    if (!joins) lanes_.push_back({.first = vertex.row});
    Lane& lane = lanes_[vertex.lane];
    lane.last = vertex.row;
    lane.width = std::max(lane.width, vertex.width);
    lane.has_box = lane.has_box || vertex.is_box;
  }

  void pack() {
    for (size_t i = 0; i < lanes_.size(); ++i) {
      double left = 0;
      for (size_t k = 0; k < i; ++k) {
        if (!lanes_[k].meets(lanes_[i])) continue;
        left = std::max(left, lanes_[k].centre + lanes_[k].width / 2 + kColumnGap);
      }
      lanes_[i].centre = left + lanes_[i].width / 2;
    }
  }

  /// Moves each lane with boxes towards the middle of what its ends are joined to, as far as its
  /// neighbours let it; short ones first, so that they go to the long ones.
  void straighten() {
    std::vector<size_t> order(lanes_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, {}, [&](size_t i) { return lanes_[i].last - lanes_[i].first; });
    for (const size_t lane : order) {
      if (!lanes_[lane].has_box) continue;
      double sum = 0;
      for (const size_t other : neighbours_[lane]) sum += lanes_[other].centre;
      const auto count = static_cast<double>(neighbours_[lane].size());
      if (count > 0) move_towards(lane, sum / count);
    }
  }

  /// By lane, the lanes with boxes that arrows join it to.
  void find_neighbours() {
    neighbours_.resize(lanes_.size());
    for (const Vertex& vertex : vertices_) {
      for (const size_t output : vertex.outputs) {
        const size_t other = vertices_[output].lane;
        if (other == vertex.lane) continue;
        if (lanes_[other].has_box) neighbours_[vertex.lane].push_back(other);
        if (lanes_[vertex.lane].has_box) neighbours_[other].push_back(vertex.lane);
      }
    }
  }

  void move_towards(size_t index, double wanted) {
    Lane& lane = lanes_[index];
    double low = wanted;
    double high = wanted;
    for (size_t k = 0; k < lanes_.size(); ++k) {
      if (k == index || !lanes_[k].meets(lane)) continue;
      const double distance = (lanes_[k].width + lane.width) / 2 + kColumnGap;
      if (lanes_[k].centre < lane.centre) {
        low = std::max(low, lanes_[k].centre + distance);
      } else {
        high = std::min(high, lanes_[k].centre - distance);
      }
    }
    lane.centre = wanted < low ? low : high;
  }

  double left_edge() const {
    double left = 0;
    for (const Lane& lane : lanes_) left = std::min(left, lane.centre - lane.width / 2);
    return left;
  }

  double right_edge() const {
    double right = 0;
    for (const Lane& lane : lanes_) right = std::max(right, lane.centre + lane.width / 2);
    return right;
  }

  double x_of(size_t vertex) const { return lanes_[vertices_[vertex].lane].centre - left_edge(); }

  /// Of each row, and of the one after the last.
  std::vector<double> row_tops() const {
    std::vector<double> heights;
    for (size_t i = 0; i < boxes_.size(); ++i) {
      heights.resize(std::max(heights.size(), vertices_[i].row + 1), 0);
      double& height = heights[vertices_[i].row];
      height = std::max(height, boxes_[i].height);
    }
    std::vector<double> tops = {0};
    for (const double height : heights) tops.push_back(tops.back() + height + kRowGap);
    return tops;
  }

  std::vector<LayoutPoint> points(size_t from,
                                  size_t to,
                                  const LayeredLayout& layout,
                                  const std::vector<double>& tops) const {
    std::vector<LayoutPoint> way = {
        {layout.boxes[from].x, layout.boxes[from].y + boxes_[from].height}};
    for (size_t row = vertices_[from].row + 1; row < vertices_[to].row; ++row) {
      const double x = x_of(passages_.at({from, row}));
      way.push_back({x, tops[row]});
      way.push_back({x, tops[row + 1] - kRowGap});
    }
    way.push_back(layout.boxes[to]);
    return way;
  }

  std::span<const LayoutBox> boxes_;
  std::vector<Vertex> vertices_;  // The boxes first.
  std::map<std::pair<size_t, size_t>, size_t> passages_;
  std::vector<Lane> lanes_;  // From left to right where they meet.
  std::vector<std::vector<size_t>> neighbours_;
};

}  // namespace

LayeredLayout lay_out(std::span<const LayoutBox> boxes) { return Layout(boxes).result(); }

}  // namespace morph
