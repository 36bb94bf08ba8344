// What the pages of the judging verbs share: their look, text made safe, plots. Everything is in the
// page itself: no network, no script, light and dark.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rooms.h"

namespace bantam::judge {

// The head and the first heading of a page, up to where its own parts begin.
std::string page_head(std::string_view title);
std::string escaped(std::string_view text);

// A plot over a logarithmic axis.
struct Plot {
  struct Line {
    std::vector<std::pair<double, double>> points;
    std::string name;  // beside its end; empty: none
    bool dashed = false;
  };
  struct Band {  // between two lines
    std::vector<std::pair<double, double>> low, high;
  };
  struct Mark {
    double x, y;
    std::string name;  // what a pointer over it shows
  };
  std::string x_name, y_name;
  std::vector<Line> lines;
  std::vector<Band> bands;
  std::vector<Mark> marks;
  double floor_y = 0, ceiling_y = 0;  // of the axis, where ceiling_y is larger; else from what is drawn
};
std::string plot_svg(const Plot& plot);

}  // namespace bantam::judge
