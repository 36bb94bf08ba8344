// A recipe that is wrong is refused with the line, the key and what was expected.
#include "train/recipe.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"
#include "files/gguf_writer.h"
#include "models/model.h"
#include "support/tiny_model.h"
#include "train/run_limits.h"
#include "train/sample_run.h"

namespace bantam::test {

namespace {

struct Refusal {
  const char* name;
  const char* recipe;  // after [data] text = "words", which is lines 1 and 2
  const char* message;
  std::uint64_t line;
};

constexpr Refusal kRefusals[] = {
    {"unknown_key", "[train]\nstpes = 3\n",
     "train.stpes: is not a key of a recipe; did you mean train.steps?", 4},
    {"key_of_another_section", "[train]\nwidth = 64\n", "did you mean model.width?", 4},
    {"key_like_no_other", "[train]\nzzzzzzzzzzzz = 1\n", "there are train.arithmetic", 4},
    {"unknown_section", "[optimizer]\nlr = 1\n",
     "the sections are data, tokenizer, teacher, model and train", 4},
    {"text_for_a_number", "[train]\nsteps = \"many\"\n", "train.steps: a whole number from 0 to",
     4},
    {"fraction_for_a_whole", "[train]\nsteps = 1.5\n", "train.steps: a whole number from 0 to", 4},
    {"number_for_a_flag", "[model]\ntied = 1\n", "model.tied: true or false was expected", 4},
    {"number_for_a_text", "[model]\nname = 7\n", "model.name: a text in quotes was expected", 4},
    {"list_for_a_number", "[train]\nrate = [1]\n", "train.rate: a number from 0 to 10", 4},
    {"table_for_a_number", "[train.rate]\nx = 1\n", "train.rate: a number from 0 to 10", 3},
    {"unknown_choice", "[train]\narithmetic = \"fp16\"\n",
     "train.arithmetic: one of \"bf16\", \"f32\" was expected", 4},
    {"too_small", "[train]\ncontext = 31\n", "train.context: a whole number from 32 to 1048576", 4},
    {"too_large", "[tokenizer]\nvocabulary = 99999999\n",
     "tokenizer.vocabulary: a whole number from 261 to 16777216", 4},
    {"negative", "[train]\nrate = -0.1\n", "train.rate: a number from 0 to 10", 4},
    {"not_a_number", "[train]\nclip = nan\n", "train.clip: a number from 0 to 1e+09", 4},
    {"infinite", "[train]\nepochs = inf\n", "train.epochs: a number from 0.001 to 1e+06", 4},
    {"size_of_nothing", "[model]\nsize = \"5q\"\n",
     "model.size: a number from 1, or a text such as \"5m\", was expected", 4},
    {"size_of_zero", "[model]\nsize = 0\n", "model.size: a number from 1", 4},
    {"family_by_its_other_name", "[model]\nfamily = \"mistral\"\n",
     "model.family: no family of this name can be raised, \"mistral\"; it is of the family llama here: say "
     "\"llama\"; there are ",
     4},
    {"family_by_a_models_name", "[model]\nfamily = \"smollm2\"\n", "it is of the family llama here: say \"llama\"; ", 4},
    {"family_in_capitals", "[model]\nfamily = \"Mistral\"\n", "it is of the family llama here: say \"llama\"; ", 4},
    {"family_with_its_size", "[model]\nfamily = \"Qwen2.5-0.5B-Instruct\"\n", "it is of the family qwen2 here: ", 4},
    {"family_mistyped", "[model]\nfamily = \"lama\"\n", "did you mean \"llama\"? there are ", 4},
    {"family_of_nothing", "[model]\nfamily = \"zzzzzzzzzzzz\"\n", "gemma3, gemma, gpt2, granite, llama, ", 4},
    {"family_that_needs_more", "[model]\nfamily = \"openelm\"\n", "model.family: no family of this name", 4},
    {"number_beyond_64_bits", "[train]\nsteps = 99999999999999999999\n", "", 4},
    {"twice", "[train]\nsteps = 1\nsteps = 2\n", "", 5},
    {"two_lengths", "[train]\nsteps = 3\nepochs = 2\n",
     "train: only one of steps, tokens and epochs can be said", 0},
    {"cut", "[train]\nsteps = \n", "", 4},
};

class RecipeTest : public ::testing::Test {
 protected:
  std::string refusal(const std::string& text, std::uint64_t line) {
    write_file(path_, text);
    try {
      (void)read_recipe(path_);
    } catch (const Error& error) {
      EXPECT_EQ(error.file(), path_.string());
      EXPECT_EQ(error.line().value_or(0), line) << error.what();
      EXPECT_EQ(error.kind(), Error::Kind::failed);
      return error.what();
    }
    ADD_FAILURE() << "taken: " << text;
    return "";
  }
  Path path_ = Path(::testing::TempDir()) / "bantam-recipe.toml";
};

TEST_F(RecipeTest, WhatIsWrongIsNamedWithItsLine) {
  for (const Refusal& r : kRefusals) {
    const std::string said = refusal("[data]\ntext = \"words\"\n" + std::string(r.recipe), r.line);
    EXPECT_NE(said.find(r.message), std::string::npos) << r.name << ": " << said;
  }
}

TEST_F(RecipeTest, KeysWithoutASection) {
  EXPECT_NE(refusal("steps = 3\n", 1).find("did you mean train.steps?"), std::string::npos);
}

TEST_F(RecipeTest, TextIsNeeded) {
  EXPECT_NE(
      refusal("[train]\nsteps = 3\n", 0).find("data.text: the folder with the text is missing"),
      std::string::npos);
}

TEST_F(RecipeTest, PathsAreRelativeToTheFile) {
  write_file(path_,
             "[data]\ntext = \"words\"\n[model]\nsize = \"1.5m\"\n[train]\ntokens = \"20k\"\n");
  const Recipe recipe = read_recipe(path_);
  EXPECT_EQ(recipe.text, path_.parent_path() / "words");
  EXPECT_EQ(recipe.size, 1'500'000);
  EXPECT_EQ(recipe.tokens, 20'000);
}

TEST(Shapes, ThatDoNotDivideAreNamed) {
  struct Case {
    std::int64_t width, heads, kv_heads;
    const char* message;
  };
  for (const Case& c : {Case{100, 3, 3, "3 heads do not divide a width of 100"},
                        Case{96, 6, 4, "6 heads cannot be shared by 4"},
                        Case{96, 2, 6, "a number from 1 to 2 was expected, not 6"}}) {
    Recipe recipe;
    recipe.layers = 2;
    recipe.width = c.width;
    recipe.heads = c.heads;
    recipe.kv_heads = c.kv_heads;
    try {
      (void)settle(recipe, 500, 10'000);
      ADD_FAILURE() << c.message;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(c.message), std::string::npos) << error.what();
    }
  }
  Recipe half;
  half.width = 64;
  EXPECT_THROW((void)settle(half, 500, 10'000), Error);
}

TEST(Settle, LayersBesideASizeLeaveTheWidthToChoose) {
  Recipe r;
  r.layers = 3;
  const Family& family = family_by_gguf("llama", "");
  struct Shape {
    std::int64_t size, width, heads;  // of a width near 32
  };
  for (const auto& [size, width, heads] : {Shape{120'000, 48, 2}, Shape{190'000, 64, 2}, Shape{300'000, 80, 2}, Shape{527'000, 112, 4},
                                           Shape{700'000, 128, 4}, Shape{2'300'000, 240, 8}}) {
    r.size = size;
    const TrainSettings s = settle(r, 768, 10'000);
    EXPECT_EQ(s.model.layers, 3);
    EXPECT_EQ(s.model.width, width);
    EXPECT_EQ(s.model.heads, heads);
    EXPECT_EQ(s.model.heads * s.model.head_dim, width);
    EXPECT_EQ(s.model.head_dim % 2, 0);
    EXPECT_NEAR(static_cast<double>(count_parameters(family, s.model)) / static_cast<double>(size), 1, 0.03);
  }
  r.size = 10'000;  // the vocabulary alone takes more
  EXPECT_THROW((void)settle(r, 768, 10'000), Error);
}

TEST(Sizes, AreReadAsTheyAreWritten) {
  EXPECT_EQ(parse_count("300k"), 300'000);
  EXPECT_EQ(parse_count("5m"), 5'000'000);
  EXPECT_EQ(parse_count("1.2B"), 1'200'000'000);
  EXPECT_EQ(parse_count("77"), 77);
  for (const char* wrong : {"", "m", "-5m", "5mm", "5 m", "nan", "inf", "1e300", "0", "0x10"})
    EXPECT_THROW((void)parse_count(wrong), Error) << wrong;
}

// What is too much for the memory is refused with the largest that fits: that advice must be true.
TEST(Memory, ThatIsShortNamesWhatFits) {
  TrainSettings settings = sample_settings();
  settings.model = shape_for_size(2'000'000, 500, 64);
  const Family& family = family_by_gguf("llama", "");
  const TrainPlan plan = plan_training(family, settings);
  const auto said = [&](std::int64_t available, bool shaped) -> std::string {
    try {
      check_memory(family, settings, plan, shaped, available);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(said(plan.memory(), false), "");

  const std::string rows = said(plan.memory() - 1, false);
  ASSERT_NE(rows.find("micro_rows = 8 fits"), std::string::npos) << rows;
  TrainSettings less = settings;
  less.micro_rows = 8;
  EXPECT_LT(plan_training(family, less).memory(), plan.memory());

  const std::int64_t little = plan.weight_bytes / 2;
  const std::string smaller = said(little, false);
  const std::size_t at = smaller.find("size = \"");
  ASSERT_NE(at, std::string::npos) << smaller;
  const std::string size = smaller.substr(at + 8, smaller.find('"', at + 8) - at - 8);
  TrainSettings fitting = less;
  fitting.micro_rows = 1;
  fitting.recompute = true;
  fitting.model = shape_for_size(parse_count(size), 500, 64);
  EXPECT_LE(plan_training(family, fitting).memory(), little) << smaller;
  EXPECT_GT(plan_training(family, fitting).memory(), little / 2) << smaller;
  EXPECT_NE(said(little, true).find("take a smaller model"), std::string::npos);
  EXPECT_NE(said(1000, false).find("no model with this vocabulary"), std::string::npos);
}

TEST(Recipe, OfARunIsReadBackWithItsFamily) {
  const Path path = Path(::testing::TempDir()) / "bantam-family.toml";
  for (const char* family : {"llama", "gemma"}) {
    Recipe r;
    r.text = "words";
    r.family = family;
    const std::string text = recipe_text(r);
    write_file(path, text);
    EXPECT_EQ(read_recipe(path).family, family);
    EXPECT_EQ(recipe_text(read_recipe(path)), text);
  }
  std::filesystem::remove(path);
}

TEST(Recipe, AnyRegisteredFamilyCanBeRaised) {
  for (const char* family : {"llama", "qwen2", "qwen3", "olmo2", "gemma", "gemma2", "gemma3"}) {
    SCOPED_TRACE(family);
    Recipe r;
    r.family = family;
    r.layers = 2;
    r.width = 64;
    r.heads = 4;
    r.kv_heads = 2;
    const TrainSettings s = settle(r, 512, 100000);
    EXPECT_EQ(s.model.family, family);
    EXPECT_EQ(s.model.layers, 2);
    EXPECT_EQ(s.model.vocabulary, 512);
    EXPECT_GT(plan_training(family_by_gguf(family, ""), s).parameters, 64 * 512);
    // What is raised can be written: a GGUF can say all of it.
    const ScratchFolder folder;
    files::GgufWriter writer(folder / "model.gguf");
    EXPECT_NO_THROW(family_by_gguf(family, "").to_gguf(s.model, writer));
  }
  Recipe r;
  r.family = "lama";
  EXPECT_THROW(settle(r, 512, 100000), Error);
  // Those that are listed are those that can be.
  try {
    raised_family("");
    FAIL() << "there is no family without a name";
  } catch (const Error& error) {
    const std::string said = error.what(), list = said.substr(said.find("there are ") + 10) + ", ";
    for (const Family& family : families()) {
      r = {};
      r.family = family.gguf;
      const bool listed = (", " + list).find(", " + r.family + ", ") != std::string::npos;
      if (listed)
        EXPECT_NO_THROW(settle(r, 512, 100000)) << r.family;
      else
        EXPECT_THROW(settle(r, 512, 100000), Error) << r.family;
    }
  }
}

}  // namespace

}  // namespace bantam::test
