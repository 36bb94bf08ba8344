#include "judge/page_parts.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/progress.h"

namespace bantam::judge {

namespace {

constexpr std::string_view kStyle = R"css(
:root{color-scheme:light dark;--ink:#1c2024;--paper:#fcfcfa;--line:#d8d8d2;--faint:#6a6f75;--bar:#3f7cac;--good:#2e7d4f;--bad:#b3402f}
@media(prefers-color-scheme:dark){:root{--ink:#e6e6e1;--paper:#17191c;--line:#3a3e43;--faint:#9aa0a6;--bar:#6aa9d8;--good:#6fc28f;--bad:#e58a7b}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem}h2{font-size:1.25rem;margin-top:2.4rem}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.25rem .6rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top}td.n{text-align:right;white-space:nowrap}
svg{display:block;width:100%;min-width:8rem;height:1rem}svg.plot{height:auto;max-width:46rem}svg.plot text{font-size:12px;fill:var(--ink)}
.faint{color:var(--faint)}pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:.3rem 0;font-size:.85rem}
details{margin:.5rem 0}.right{color:var(--good)}.wrong{color:var(--bad)}code{overflow-wrap:anywhere;font-size:.85rem}
)css";

constexpr double kWidth = 640, kHeight = 340, kLeft = 56, kRight = 84, kTop = 12, kBottom = 44;

// Where the numbers of a plot lie on the page.
class Frame {
 public:
  explicit Frame(const Plot& plot) {
    const auto see = [&](const std::vector<std::pair<double, double>>& points) {
      for (const auto& [x, y] : points) include(x, y);
    };
    for (const Plot::Line& l : plot.lines) see(l.points);
    for (const Plot::Band& b : plot.bands) {
      see(b.low);
      see(b.high);
    }
    for (const Plot::Mark& m : plot.marks) include(m.x, m.y);
    if (plot.ceiling_y > plot.floor_y) {
      low_ = plot.floor_y;
      high_ = plot.ceiling_y;
    } else {
      const double room = std::max((high_ - low_) * 0.06, 1e-9);
      low_ -= room;
      high_ += room;
    }
  }

  double x(double value) const { return kLeft + (std::log(value) - left_) / std::max(right_ - left_, 1e-9) * (kWidth - kLeft - kRight); }
  double y(double value) const {
    return kHeight - kBottom - (std::clamp(value, low_, high_) - low_) / (high_ - low_) * (kHeight - kTop - kBottom);
  }

  // 1, 2 and 5 times the powers of ten that are in sight.
  std::vector<double> ticks_x() const {
    std::vector<double> out;
    for (double power = std::pow(10, std::floor(left_ / std::log(10.0))); std::log(power) <= right_; power *= 10)
      for (const double times : {1.0, 2.0, 5.0})
        if (const double at = std::log(power * times); at >= left_ - 1e-9 && at <= right_ + 1e-9) out.push_back(power * times);
    return out;
  }
  std::vector<double> ticks_y() const {
    const double rough = (high_ - low_) / 6, power = std::pow(10, std::floor(std::log10(rough)));
    double step = power * 10;
    for (const double times : {5.0, 2.0, 1.0})
      if (power * times >= rough) step = power * times;
    std::vector<double> out;
    for (double at = std::ceil(low_ / step) * step; at <= high_ + step * 1e-9; at += step) out.push_back(at);
    return out;
  }

 private:
  void include(double x, double y) {
    if (!(x > 0) || !std::isfinite(x) || !std::isfinite(y)) return;
    left_ = empty_ ? std::log(x) : std::min(left_, std::log(x));
    right_ = empty_ ? std::log(x) : std::max(right_, std::log(x));
    low_ = empty_ ? y : std::min(low_, y);
    high_ = empty_ ? y : std::max(high_, y);
    empty_ = false;
  }

  bool empty_ = true;
  double left_ = 0, right_ = 1, low_ = 0, high_ = 1;
};

std::string number_text(const char* form, double a, double b = 0) {
  char text[96];
  std::snprintf(text, sizeof text, form, a, b);
  return text;
}

std::string path_of(const Frame& frame, const std::vector<std::pair<double, double>>& points, bool begins = true) {
  std::string out;
  for (const auto& [x, y] : points) {
    out += (begins ? "M" : "L") + number_text("%.1f %.1f", frame.x(x), frame.y(y));
    begins = false;
  }
  return out;
}

std::string axes(const Plot& plot, const Frame& frame) {
  std::string out;
  const double bottom = kHeight - kBottom, right = kWidth - kRight;
  for (const double tick : frame.ticks_x())
    out += "<path d=\"M" + number_text("%.1f %.1f", frame.x(tick), kTop) + "V" + number_text("%.1f", bottom) +
           "\" stroke=\"var(--line)\"/><text text-anchor=\"middle\" x=\"" + number_text("%.1f", frame.x(tick)) +
           "\" y=\"" + number_text("%.1f", bottom + 16) + "\">" + count_text(tick) + "</text>";
  for (const double tick : frame.ticks_y())
    out += "<path d=\"M" + number_text("%.1f %.1f", kLeft, frame.y(tick)) + "H" + number_text("%.1f", right) +
           "\" stroke=\"var(--line)\"/><text text-anchor=\"end\" x=\"" + number_text("%.1f", kLeft - 6) + "\" y=\"" +
           number_text("%.1f", frame.y(tick) + 4) + "\">" + number_text("%.3g", tick) + "</text>";
  return out + "<text text-anchor=\"middle\" x=\"" + number_text("%.1f", (kLeft + right) / 2) + "\" y=\"" +
         number_text("%.1f", kHeight - 8) + "\">" + escaped(plot.x_name) + "</text><text text-anchor=\"middle\" transform=\"translate(14 " +
         number_text("%.1f", (kTop + bottom) / 2) + ") rotate(-90)\">" + escaped(plot.y_name) + "</text>";
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string page_head(std::string_view title) {
  return "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
         "<meta name=viewport content=\"width=device-width,initial-scale=1\"><title>" +
         escaped(title) + "</title><style>" + std::string(kStyle) + "</style></head><body>\n<h1>" + escaped(title) + "</h1>\n";
}

std::string plot_svg(const Plot& plot) {
  const Frame frame(plot);
  std::string out = "<svg class=plot viewBox=\"0 0 " + number_text("%.0f %.0f", kWidth, kHeight) + "\" role=\"img\" aria-label=\"" +
                    escaped(plot.y_name) + "\">" + axes(plot, frame);
  for (const Plot::Band& b : plot.bands) {
    std::vector<std::pair<double, double>> back(b.high.rbegin(), b.high.rend());
    out += "<path d=\"" + path_of(frame, b.low) + path_of(frame, back, false) + "Z\" fill=\"var(--bar)\" opacity=\".16\"/>";
  }
  for (const Plot::Line& l : plot.lines) {
    out += "<path d=\"" + path_of(frame, l.points) + "\" fill=\"none\" stroke=\"var(--bar)\" stroke-width=\"1.5\"" +
           (l.dashed ? " stroke-dasharray=\"5 4\"" : "") + "/>";
    if (!l.name.empty() && !l.points.empty())
      out += "<text x=\"" + number_text("%.1f", frame.x(l.points.back().first) + 5) + "\" y=\"" +
             number_text("%.1f", frame.y(l.points.back().second) + 4) + "\">" + escaped(l.name) + "</text>";
  }
  for (const Plot::Mark& m : plot.marks)
    out += "<circle r=\"3.5\" fill=\"var(--ink)\" cx=\"" + number_text("%.1f", frame.x(m.x)) + "\" cy=\"" +
           number_text("%.1f", frame.y(m.y)) + "\"><title>" + escaped(m.name) + "</title></circle>";
  return out + "</svg>\n";
}

}  // namespace bantam::judge
