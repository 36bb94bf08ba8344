#include "cli/select_card.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/error.h"
#include "base/progress.h"

namespace bantam::cli {

std::vector<judge::Rank> Selection::order() const {
  if (recipe.asks()) return ranks;
  std::vector<judge::Rank> out;
  for (const judge::ProbeRank& p : probes) out.push_back({p.candidate, 0, 0, p.tie});
  for (std::size_t i = 0; i < candidates.size(); ++i)
    if (candidates[i].why_not.empty() && std::ranges::find(probes, i, &judge::ProbeRank::candidate) == probes.end())
      out.push_back({i, 0, 0, false});
  return out;
}

namespace {

// Bits a byte and tokens a byte on the person's own text.
std::string text_words(const Json& report) {
  if (report.is_null()) return "";
  const auto at = report.at("tasks").find("text");
  if (at == report.at("tasks").end()) return "";
  double tokens = 0, bytes = 0;
  for (const Json& item : at->at("items")) {
    tokens += item.at("lengths").at(0).get<double>();
    bytes += item.at("bytes").get<double>();
  }
  return fmt::format(", {:.3f} bits and {:.3f} tokens a byte on your text",
                     at->at("metrics").at("bits_per_byte").at("value").get<double>(), tokens / bytes);
}

std::string interval_text(const judge::Interval& i) { return fmt::format("[{:+.4f}, {:+.4f}]", i.low, i.high); }

double held_bytes(const Selection& all) {
  return std::accumulate(all.data.held_bytes.begin(), all.data.held_bytes.end(), 0.0);
}

// What the change of the losses means.
std::string_view verdict(const judge::ProbeRank& p) { return p.learnt ? "better" : p.worse() ? "worse" : "tie"; }

std::string probe_text(const Selection& all) {
  if (all.recipe.probe.data.empty()) return "";
  std::string out;
  if (!all.probes.empty())
    out = fmt::format("a probe of {} steps of {} records, {} learnt from and {} held out ({} of answers): bits a byte of these\n",
                      all.steps, all.batch, all.data.learnt(), all.data.held_bytes.size(), byte_text(held_bytes(all)));
  for (std::size_t i = 0; i < all.probes.size(); ++i) {
    const judge::ProbeRank& p = all.probes[i];
    const judge::Candidate& c = all.candidates[p.candidate];
    out += fmt::format("{}. {}{}\n   {:.4f} before, {:.4f} after: {:+.4f} {} {}", i + 1, c.model,
                       p.tie ? " (tie with the first)" : "", p.before, p.after, p.after - p.before, interval_text(p.change),
                       verdict(p));
    if (i > 0) out += fmt::format("; to the first {:+.4f} {}", p.behind, interval_text(p.behind_interval));
    out += fmt::format("; {} of rank {}, {}, {} of memory\n", c.method, c.rank, duration_text(c.probe_seconds),
                       byte_text(static_cast<double>(c.probe_memory)));
  }
  for (const judge::Candidate& c : all.candidates)
    if (!c.not_probed.empty()) out += "not probed: " + c.model + ": " + c.not_probed + "\n";
  return out;
}

}  // namespace

std::string card_text(const Selection& all) {
  std::string out;
  const std::vector<judge::Rank> order = all.order();
  for (std::size_t i = 0; i < order.size(); ++i) {
    const judge::Candidate& c = all.candidates[order[i].candidate];
    out += fmt::format("{}. {}{}\n   ", i + 1, c.model, order[i].tie ? " (tie with the first)" : "");
    if (all.recipe.asks()) out += fmt::format("score {:.4f} ± {:.4f}, ", order[i].score, order[i].error);
    out += fmt::format("{} of weights, {} of memory, {:.1f} tokens a second{}{}\n", byte_text(static_cast<double>(c.bytes)),
                       byte_text(static_cast<double>(c.memory)), c.tokens_per_second, text_words(c.report),
                       c.licence.empty() ? "" : ", licence " + printable(c.licence, 40));
  }
  for (const judge::Candidate& c : all.candidates)
    if (!c.why_not.empty()) out += "not " + c.model + ": " + c.why_not + "\n";
  return out + probe_text(all);
}

namespace {

Json with_interval(double value, const judge::Interval& i) { return {{"value", value}, {"low", i.low}, {"high", i.high}}; }

Json probe_json(const Selection& all) {
  Json out = {{"learnt", all.data.learnt()}, {"held_out", all.data.held_bytes.size()}, {"held_out_bytes", held_bytes(all)},
              {"twice", all.data.twice},     {"steps", all.steps},                     {"batch", all.batch},
              {"ranked", Json::array()},     {"not_probed", Json::array()}};
  for (const judge::ProbeRank& p : all.probes) {
    const judge::Candidate& c = all.candidates[p.candidate];
    out["ranked"].push_back({{"model", c.model}, {"before", with_interval(p.before, p.before_interval)},
                             {"after", with_interval(p.after, p.after_interval)},
                             {"change", with_interval(p.after - p.before, p.change)}, {"verdict", verdict(p)},
                             {"behind", with_interval(p.behind, p.behind_interval)}, {"tie", p.tie}, {"method", c.method},
                             {"rank", c.rank}, {"trained_parameters", c.trained}, {"memory", c.probe_memory},
                             {"seconds", c.probe_seconds}});
  }
  for (const judge::Candidate& c : all.candidates)
    if (!c.not_probed.empty()) out["not_probed"].push_back({{"model", c.model}, {"why", c.not_probed}});
  return out;
}

}  // namespace

Json card_json(const Selection& all) {
  Json out = {{"ranked", Json::array()}, {"rejected", Json::array()}};
  const bool asks = all.recipe.asks();
  for (const judge::Rank& r : all.order()) {
    const judge::Candidate& c = all.candidates[r.candidate];
    Json metrics = Json::object();
    if (!c.report.is_null())
      for (const auto& [name, task] : c.report.at("tasks").items()) metrics[name] = task.at("metrics");
    out["ranked"].push_back({{"model", c.model}, {"score", asks ? Json(r.score) : Json()}, {"stderr", asks ? Json(r.error) : Json()},
                             {"tie", r.tie}, {"bytes", c.bytes}, {"memory", c.memory},
                             {"tokens_per_second", c.tokens_per_second}, {"licence", c.licence},
                             {"metrics", std::move(metrics)}});
  }
  for (const judge::Candidate& c : all.candidates)
    if (!c.why_not.empty()) out["rejected"].push_back({{"model", c.model}, {"why", c.why_not}});
  if (!all.recipe.probe.data.empty()) out["probe"] = probe_json(all);
  return out;
}

}  // namespace bantam::cli
