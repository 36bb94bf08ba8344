// The table of the sampler's options.
#include "infer/sampler_options.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"

namespace bantam {
namespace {

TEST(SamplerOptions, EachRowIsWhole) {
  std::set<std::string_view> names;
  for (const SamplerOption& o : sampler_options()) {
    EXPECT_TRUE(names.insert(o.main_name()).second) << o.name;
    EXPECT_FALSE(o.help.empty()) << o.name;
    EXPECT_EQ(o.value.empty(), o.is_switch()) << o.name;
    EXPECT_LE(o.least, default_of(o)) << o.name;
    EXPECT_GE(o.most, default_of(o)) << o.name;
    EXPECT_TRUE(std::ranges::any_of(
        sampler_stages(), [&](const SamplerStage* stage) { return stage->name == o.phase; }))
        << o.name << ": no stage " << o.phase;
    EXPECT_EQ(find_sampler_option(o.main_name()), &o);
  }
}

TEST(SamplerOptions, AreRowsInTheOrderOfTheStages) {
  std::size_t before = 0;
  for (const SamplerOption& o : sampler_options()) {
    std::size_t at = 0;
    while (sampler_stages()[at]->name != o.phase) ++at;
    EXPECT_GE(at, before) << o.name;
    before = at;
  }
}

TEST(SamplerOptions, ValuesGoInAndComeOut) {
  for (const SamplerOption& o : sampler_options()) {
    SamplingOptions s;
    for (const double value : {o.least, o.most}) {
      set_value(o, s, value);
      EXPECT_EQ(value_of(o, s), value) << o.name;
      EXPECT_NO_THROW(s.check()) << o.name;
    }
    for (const double value : {o.least - 1, o.most * 2 + 1, std::nan("")}) {
      try {
        set_value(o, s, value);
        ADD_FAILURE() << o.name << " took " << value;
      } catch (const Error& error) {
        EXPECT_EQ(error.field(), o.main_name());
      }
    }
    if (o.to.index() == 0) continue;
    EXPECT_THROW(set_value(o, s, o.least + 0.25), Error) << o.name;
  }
}

TEST(SamplerOptions, AreFoundByEachOfTheirNames) {
  for (const char* name : {"temp", "temperature"})
    EXPECT_EQ(find_sampler_option(name)->phase, "temperature");
  EXPECT_EQ(find_sampler_option("repeat_last_n"), find_sampler_option("penalty-last"));
  EXPECT_EQ(find_sampler_option("top_p"), find_sampler_option("top-p"));
  EXPECT_EQ(find_sampler_option(""), nullptr);
  EXPECT_EQ(find_sampler_option("p"), nullptr);
}

}  // namespace
}  // namespace bantam
