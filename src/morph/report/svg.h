#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "morph/report/html.h"

namespace morph {

/// An interval of data values with round numbers to write at its axis.
struct Axis {
  double low = 0;
  double high = 1;
  double step = 0.2;  ///< Between ticks: 1, 2 or 5 times a power of ten.
  std::vector<double> ticks = {};

  /// Where `value` lies: 0 at `low`, 1 at `high`.
  double share(double value) const { return (value - low) / (high - low); }

  /// A tick in as many decimals as the step needs; large ones with a suffix: "0.25", "80", "1.2 k".
  std::string text(double tick) const;
};

/// An axis from 0 to exactly `high`, so that the longest bar fills the plot; at most `ticks` ticks
/// besides the one at 0. `high` is made 1 if it is not a positive number.
Axis bar_axis(double high, int64_t ticks);

/// An axis from the tick at or below `low` to the tick at or above `high`; at most `ticks` steps or
/// one more. Equal ends are moved apart; a bound that is not finite counts as 0.
Axis curve_axis(double low, double high, int64_t ticks);

/// The area inside a drawing's axes and the room around it. style.css turns the letters into
/// margins, for only it knows the font.
struct PlotArea {
  double height = 0;           ///< Pixels.
  double above = 0;            ///< Pixels.
  double below = 0;            ///< Pixels.
  int64_t letters_before = 0;  ///< Longest text left of it.
  int64_t letters_after = 0;   ///< Longest text right of it.
  double font_size = 11;       ///< Pixels.
};

/// A drawing as wide as its container allows. In `content` x runs from 0 % to 100 % of the plot, y
/// from its top in pixels; both may leave it. Screen readers see `label` alone.
std::string drawing(const PlotArea& area, std::string_view label, std::string_view content);

/// A place for text.
struct TextAt {
  std::string x;      ///< A coordinate, in pixels or percent.
  double y = 0;       ///< Of the baseline, in pixels.
  std::string style;  ///< Class in style.css.
};

/// Plain text at a place.
std::string text_at(const TextAt& place, std::string_view text);

/// A horizontal bar over [0, share] of the width of the plot.
struct Bar {
  double share = 0;
  double y = 0;
  double height = 0;
  std::string style;
};

/// The bar as a rectangle with rounded corners.
std::string bar(const Bar& bar);

/// A line across the plot at height `y`, from one share of its width to another.
std::string level_line(double from, double to, double y, std::string_view style);

/// A line from the top of the plot down to `height` at a share of its width.
std::string upright_line(double share, double height, std::string_view style);

/// The text that appears over whatever it stands in.
std::string tooltip(std::string_view text);

}  // namespace morph
