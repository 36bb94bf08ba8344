#include "judge/likelihood.h"

#include <algorithm>

#include "base/error.h"
namespace bantam::judge {

// A part that all sequences of [begin, end) have in common, from token `from` to token `to`.
struct LikelihoodEngine::Node {
  std::size_t begin, end, from, to;
  std::int64_t slot = 0;
};

namespace {

std::span<const std::int32_t> input_of(const Sequence& s) {
  return std::span(s.tokens).first(s.tokens.size() - 1);
}

bool input_less(const Sequence& a, const Sequence& b) {
  const auto x = input_of(a), y = input_of(b);
  return std::lexicographical_compare(x.begin(), x.end(), y.begin(), y.end());
}

std::size_t shared_length(std::span<const std::int32_t> a, std::span<const std::int32_t> b) {
  const std::size_t most = std::min(a.size(), b.size());
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(most), b.begin()).first - a.begin());
}

std::vector<std::size_t> sorted_order(std::span<const Sequence> sequences) {
  std::vector<std::size_t> order(sequences.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return input_less(sequences[a], sequences[b]);
  });
  return order;
}

}  // namespace

std::size_t LikelihoodEngine::leaves(std::span<const Sequence> sequences) {
  const std::vector<std::size_t> order = sorted_order(sequences);
  std::size_t count = 0;
  for (std::size_t i = 0; i < order.size(); ++i)
    count += i == 0 || input_less(sequences[order[i - 1]], sequences[order[i]]);
  return count;
}

bool LikelihoodEngine::run(std::span<const Sequence> given, std::span<Likelihood> out,
                           const Session::GoOn& go_on) {
  if (given.empty()) return true;
  const std::vector<std::size_t> order = sorted_order(given);
  const auto sequence = [&](std::size_t i) -> const Sequence& { return given[order[i]]; };
  for (std::size_t i = 0; i < given.size(); ++i) {
    out[i] = {};
    work_.asked += static_cast<std::int64_t>(given[i].tokens.size()) - 1;
  }
  const auto node_of = [&](std::size_t begin, std::size_t end, std::size_t from) {
    const std::size_t to = shared_length(input_of(sequence(begin)), input_of(sequence(end - 1)));
    return Node{begin, end, from, to};
  };
  // The first row of a node whose logits somebody asks for; from there on all are.
  const auto first_wanted = [&](const Node& node) {
    std::size_t first = node.to;
    for (std::size_t i = node.begin; i < node.end; ++i)
      first = std::min(first, sequence(i).first - 1);
    return std::max(first, node.from);
  };
  const auto take = [&](const Node& node, std::size_t row, std::span<const float> logits) {
    const RowSummary summary = summarise(logits);
    for (std::size_t i = node.begin; i < node.end; ++i) {
      const Sequence& s = sequence(i);
      if (row + 1 < s.first) continue;
      const std::int32_t next = s.tokens[row + 1];
      Likelihood& l = out[order[i]];
      l.sum += static_cast<double>(logits[static_cast<std::size_t>(next)]) - summary.log_sum;
      l.greedy = l.greedy && next == summary.largest;
    }
  };

  // What all share stays in slot 0, where the next batch may find its own beginning.
  std::vector<std::int64_t> free;
  for (std::int64_t slot = session_.slots() - 1; slot > 0; --slot) free.push_back(slot);
  Node root = node_of(0, order.size(), 0);
  {
    const auto tokens = std::span(sequence(0).tokens).first(root.to);
    const std::size_t wanted = first_wanted(root);
    const std::size_t held = shared_length(session_.tokens(0), tokens);
    session_.trim(0, static_cast<std::int64_t>(std::min(held, wanted)));
    root.from = session_.tokens(0).size();
  }
  std::vector<Node> level{root};
  bool rooted = true;
  while (!level.empty()) {
    // Rows whose logits nobody asks for come first, by themselves: then the rest asks for all.
    for (const bool silent : {true, false}) {
      std::vector<Session::Part> parts;
      std::vector<std::size_t> places, starts;
      for (std::size_t n = 0; n < level.size(); ++n) {
        const Node& node = level[n];
        const std::size_t wanted = first_wanted(node);
        const bool tail_only = wanted + 1 >= node.to;  // at most the last row is wanted
        std::size_t from = node.from, to = node.to;
        Session::Want want = Session::Want::all;
        if (tail_only) {
          if (silent) to = from;
          want = wanted == node.to ? Session::Want::none : Session::Want::last;
        } else if (silent) {
          to = wanted;
          want = Session::Want::none;
        } else {
          from = wanted;
        }
        if (from >= to) continue;
        parts.push_back({node.slot,
                         std::span(sequence(node.begin).tokens).subspan(from, to - from), want});
        places.push_back(n);
        starts.push_back(from);
        work_.computed += static_cast<std::int64_t>(to - from);
      }
      if (parts.empty()) continue;
      const bool whole = session_.evaluate(
          parts,
          [&](std::size_t part, std::size_t index, std::span<const float> logits) {
            take(level[places[part]], starts[part] + index, logits);
          },
          go_on);
      if (!whole) return false;
    }
    std::vector<Node> next;
    for (const Node& node : level) {
      std::size_t at = node.begin;
      while (at < node.end && input_of(sequence(at)).size() == node.to) ++at;  // they end here
      bool kept = rooted;
      while (at < node.end) {
        std::size_t end = at + 1;
        const std::int32_t token = sequence(at).tokens[node.to];
        while (end < node.end && sequence(end).tokens[node.to] == token) ++end;
        Node child = node_of(at, end, node.to);
        if (!kept) {
          child.slot = node.slot;
          kept = true;
        } else {
          if (free.empty()) throw Error("more sequences than slots in a batch");
          child.slot = free.back();
          free.pop_back();
        }
        next.push_back(child);
        at = end;
      }
      // Copies first: the child that goes on in its parent's slot changes it.
      if (!kept) free.push_back(node.slot);
    }
    for (const Node& child : next) {
      const auto parent = std::find_if(level.begin(), level.end(), [&](const Node& n) {
        return n.begin <= child.begin && child.end <= n.end;
      });
      if (parent->slot != child.slot)
        session_.copy(parent->slot, child.slot, static_cast<std::int64_t>(parent->to));
    }
    rooted = false;
    level = std::move(next);
  }
  return true;
}

}  // namespace bantam::judge
