// Every block type against bytes and values of ggml's reference quantiser.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "base/file.h"
#include "blocks/format.h"
#include "support/shared.h"

namespace bantam {
namespace {

// Where the rule is one rounding, so that the bytes are defined.
const std::set<std::string> kSameBytes{"Q8_0", "Q4_0",  "Q4_1",  "Q5_0",
                                       "Q5_1", "TQ1_0", "TQ2_0", "MXFP4"};

std::vector<float> numbers_of(const std::string& text) {
  std::vector<float> values(text.size() / 4);
  std::memcpy(values.data(), text.data(), values.size() * 4);
  return values;
}

struct Reference {
  Reference(const Path& folder, const std::string& name, const std::string& set)
      : in(numbers_of(read_file(folder / ("in-" + set + ".f32")))),
        bytes(read_file(folder / (name + "-" + set + ".bin"))),
        values(numbers_of(read_file(folder / (name + "-" + set + ".f32")))) {}
  std::vector<float> in;
  std::string bytes;
  std::vector<float> values;
};

std::vector<float> decoded(const Format& f, const std::byte* bytes, std::int64_t count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  f.decode(bytes, values.data(), count);
  return values;
}

double squared_error(const float* a, const float* b, std::int64_t count) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const double e = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += e * e;
  }
  return sum;
}

class ReferenceTest : public ::testing::TestWithParam<Type> {
 protected:
  template <class Check>
  void each_set(Check check) {
    const Format& f = format(GetParam());
    const auto folder = test::shared_folder() / "golden/blocks";
    for (const std::string set : {"a", "b"}) {
      const Reference r(folder, upper_name(f), set);
      ASSERT_EQ(f.bytes(static_cast<std::int64_t>(r.in.size())),
                static_cast<std::int64_t>(r.bytes.size()));
      check(f, r, set);
    }
  }
};

TEST_P(ReferenceTest, DecodesToTheSameNumbers) {
  BANTAM_NEEDS_SHARED("golden/blocks");
  each_set([](const Format& f, const Reference& r, const std::string& set) {
    const auto ours = decoded(f, reinterpret_cast<const std::byte*>(r.bytes.data()),
                              static_cast<std::int64_t>(r.in.size()));
    for (std::size_t i = 0; i < ours.size(); ++i)
      ASSERT_EQ(ours[i], r.values[i]) << f.name << " " << set << ": element " << i;
  });
}

TEST_P(ReferenceTest, EncodesAsWellOrTheSame) {
  BANTAM_NEEDS_SHARED("golden/blocks");
  if (format(GetParam()).encode == nullptr) GTEST_SKIP() << "read only";
  const auto rows =
      nlohmann::json::parse(read_file(test::shared_folder() / "golden/blocks/rows.json"));
  each_set([&](const Format& f, const Reference& r, const std::string& set) {
    std::vector<std::byte> ours(r.bytes.size());
    const auto count = static_cast<std::int64_t>(r.in.size());
    f.encode(r.in.data(), ours.data(), count);
    const auto back = decoded(f, ours.data(), count);
    std::int64_t at = 0;
    const std::int64_t width = rows.at("sets").at(set).at("width").get<std::int64_t>();
    for (const auto& row : rows.at("sets").at(set).at("rows")) {
      const std::string what = std::string(f.name) + " " + set + ": " + row.dump();
      const double error = squared_error(r.in.data() + at, back.data() + at, width);
      const double reference = squared_error(r.in.data() + at, r.values.data() + at, width);
      EXPECT_LE(error, reference * (1 + 1e-6) + 1e-30) << what;
      if (kSameBytes.contains(upper_name(f)) && row.at("bytes_exact").get<bool>()) {
        EXPECT_EQ(std::memcmp(ours.data() + f.bytes(at), r.bytes.data() + f.bytes(at),
                              static_cast<std::size_t>(f.bytes(width))),
                  0)
            << what;
      }
      at += width;
    }
    EXPECT_EQ(at, count);
  });
}

std::vector<Type> block_types() {
  std::vector<Type> types;
  for (const Format& f : formats())
    if (f.quantised) types.push_back(f.type);
  return types;
}

INSTANTIATE_TEST_SUITE_P(Blocks, ReferenceTest, ::testing::ValuesIn(block_types()),
                         [](const auto& about) { return upper_name(format(about.param)); });

}  // namespace
}  // namespace bantam
