// Calls of attention and its gradient over made-up sequences, for the tests of both.
#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "elementwise_support.h"

namespace bantam::test {

struct Heads {
  std::int64_t heads, kv_heads, width;
};

// Query rows, each with the stored rows [first, first + count) that it attends to.
struct Pattern {
  std::string name;
  std::vector<std::int32_t> first, count;
  std::int64_t stored;  // rows of keys and values
  std::int64_t rows() const { return static_cast<std::int64_t>(first.size()); }
};

// Documents one after another, causal, within a window.
inline Pattern documents(const std::string& name, const std::vector<std::int32_t>& lengths,
                         std::int32_t window) {
  Pattern p{name, {}, {}, 0};
  std::int32_t start = 0;
  for (const std::int32_t length : lengths) {
    for (std::int32_t t = 0; t < length; ++t) {
      const std::int32_t low = std::max(0, t - window + 1);
      p.first.push_back(start + low);
      p.count.push_back(t - low + 1);
    }
    start += length;
  }
  p.stored = start;
  return p;
}

struct AttentionCase {
  Pattern pattern;
  Heads heads;
  Type activation, stored;
  float cap = 0;
  double scale_of_q = 2;

  // Output and log-sum-exp.
  std::vector<Rows> run(const Kernels& k, bool pieces) const {
    return made([&](const AttentionArgs& args, float* scratch) {
      const Ranges all = ranges(pattern.rows() * heads.kv_heads, pieces);
      for (std::size_t i = all.size(); i-- > 0;)
        k.attention(args, all[i].first, all[i].second, scratch);
    });
  }
  // The same by AttentionPart, `keys` and `columns` at a time, the later ones first. (No
  // log-sum-exp.)
  std::vector<Rows> run_in_parts(const Kernels& k, std::int64_t keys, std::int64_t columns) const {
    return made([&](const AttentionArgs& args, float* scratch) {
      for (std::int64_t row = 0; row < pattern.rows(); ++row)
        row_in_parts(k, args, row, keys, columns, scratch);
    });
  }
  void row_in_parts(const Kernels& k, const AttentionArgs& args, std::int64_t row,
                    std::int64_t keys, std::int64_t columns, float* scratch) const {
    using Stage = AttentionPart::Stage;
    const std::int64_t count = std::max<std::int64_t>(args.key_count[row], 0), stride = (count + 15) / 16 * 16;
    std::vector<float> scores(static_cast<std::size_t>(heads.heads * stride),
                              std::numeric_limits<float>::quiet_NaN());
    std::vector<float> scales(static_cast<std::size_t>(heads.heads));
    const auto each = [&](Stage stage, std::int64_t number, std::int64_t all, std::int64_t step) {
      for (std::int64_t head = number; head-- > 0;)
        for (std::int64_t begin = (all + step - 1) / step * step; (begin -= step) >= 0;)
          k.attention_part(args,
                           {stage, row, head, begin, std::min(begin + step, all), scores.data(),
                            stride, scales.data()},
                           scratch);
    };
    each(Stage::score, heads.kv_heads, count, keys);
    each(Stage::weigh, heads.heads, 1, 1);
    each(Stage::mix, heads.kv_heads, heads.width, columns);
  }

  // Scratch is filled with NaN: nothing may be read before it is written.
  template <class Call>
  std::vector<Rows> made(const Call& call) const {
    const auto [h, kv, width] = heads;
    Rows q = Rows::random(1, activation, pattern.rows(), h * width, 3, scale_of_q);
    Rows keys = Rows::random(2, stored, pattern.stored, kv * width, 5);
    Rows values = Rows::random(3, stored, pattern.stored, kv * width, 5);
    Rows out(activation, pattern.rows(), h * width, 2), lse(Type::f32, pattern.rows(), h);
    std::int64_t most_keys = 0;
    for (const std::int32_t count : pattern.count)
      most_keys = std::max<std::int64_t>(most_keys, count);
    std::vector<float> scratch(
        static_cast<std::size_t>(attention_scratch(most_keys, 0, width)) + 64,
        std::numeric_limits<float>::quiet_NaN());
    std::fill(scratch.end() - 64, scratch.end(), 12345.0f);
    const AttentionArgs args{q.view(),
                             {keys.view().data, values.view().data, stored, keys.stride(), width},
                             pattern.first.data(),
                             pattern.count.data(),
                             h,
                             kv,
                             width,
                             scale(),
                             cap,
                             out.view(),
                             lse.floats()};
    call(args, scratch.data());
    for (std::size_t i = scratch.size() - 64; i < scratch.size(); ++i)
      EXPECT_EQ(scratch[i], 12345.0f) << "scratch is larger than attention_scratch says";
    return {out, lse};
  }
  float scale() const { return 1.0f / std::sqrt(static_cast<float>(heads.width)); }
  std::string text() const {
    return pattern.name + ", heads " + std::to_string(heads.heads) + "/" +
           std::to_string(heads.kv_heads) + " of " + std::to_string(heads.width) + ", " +
           name_of(activation) + " " + name_of(stored) + (cap > 0 ? ", capped" : "");
  }
};

struct AttentionBackCase {
  std::vector<std::int32_t> lengths;
  std::int64_t window;
  Heads heads;
  Type type;
  float cap = 0;
  bool add = false;

  Pattern pattern() const {
    return documents("documents", lengths, static_cast<std::int32_t>(window));
  }
  // The output (computed first), dq, dk, dv.
  std::vector<Rows> run(const Kernels& k, bool pieces) const {
    const auto [h, kv, width] = heads;
    const AttentionCase forward{pattern(), heads, type, type, cap};
    std::vector<Rows> results = forward.run(k, false);
    Rows out = results[0], lse = results[1];
    const std::int64_t rows = out.rows();
    Rows q = Rows::random(1, type, rows, h * width, 3, forward.scale_of_q);
    Rows keys = Rows::random(2, type, rows, kv * width, 5);
    Rows values = Rows::random(3, type, rows, kv * width, 5);
    Rows dout = Rows::random(4, type, rows, h * width, 1);
    Rows dq = Rows::random(5, type, rows, h * width, 4),
         dk = Rows::random(6, type, rows, kv * width, 1);
    Rows dv = Rows::random(7, type, rows, kv * width, 2);
    std::vector<std::int32_t> start{0};
    std::int32_t longest = 0;
    for (const std::int32_t length : lengths) {
      start.push_back(start.back() + length);
      longest = std::max(longest, length);
    }
    std::vector<float> scratch(static_cast<std::size_t>(attention_scratch(0, longest, width)) + 64,
                               std::numeric_limits<float>::quiet_NaN());
    std::fill(scratch.end() - 64, scratch.end(), 12345.0f);
    const AttentionBackArgs args{q.view(),
                                 keys.view(),
                                 values.view(),
                                 out.view(),
                                 dout.view(),
                                 lse.floats(),
                                 start.data(),
                                 h,
                                 kv,
                                 width,
                                 window,
                                 forward.scale(),
                                 cap,
                                 {dq.view(), add},
                                 {dk.view(), add},
                                 {dv.view(), add}};
    const auto tasks = static_cast<std::int64_t>(lengths.size()) * kv;
    for (std::int64_t i = 0; i < tasks; ++i)
      k.attention_back(args, pieces ? tasks - 1 - i : i, scratch.data());
    for (std::size_t i = scratch.size() - 64; i < scratch.size(); ++i)
      EXPECT_EQ(scratch[i], 12345.0f) << "scratch is larger than attention_scratch says";
    return {out, dq, dk, dv};
  }
};

}  // namespace bantam::test
