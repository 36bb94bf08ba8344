// The reference models and tokenizers, by the scripts that come with them.
#include <gtest/gtest.h>

#include <algorithm>

#include "cli/shell.h"
#include "support/shared.h"

namespace bantam {
namespace {

struct Check {
  const char *name, *script, *options;
};

class Golden : public ::testing::TestWithParam<Check> {};

TEST_P(Golden, AgreesWithTheReference) {
  const Check& check = GetParam();
  BANTAM_NEEDS_SHARED(check.script);
  const test::ScratchFolder folder;
  if (test::shell("python3 -c 1", folder.path()).status != 0) GTEST_SKIP() << "there is no python3";
  const test::Ran ran =
      test::shell("python3 " + test::quoted((test::shared_folder() / check.script).string()) +
                      " --program " + test::quoted(BANTAM_PROGRAM) + " " + check.options,
                  folder.path());
  EXPECT_EQ(ran.status, 0) << ran.output;
}

INSTANTIATE_TEST_SUITE_P(
    Cli, Golden,
    ::testing::Values(
        Check{"llama", "golden/check.py", "--family llama,llama-sharded,llama-bf16"},
        Check{"families", "golden/check.py",
              "--family llama3,mistral,qwen2,qwen3,qwen3-bf16,gemma,gemma2,gemma2-qscale,gemma3,"
              "olmo2,openelm,smollm3,granite"},
        Check{"more_families", "golden/check.py",
              "--family phi2,phi3,phi3-longrope,phi4-mini,gpt2,stablelm,stablelm-parallel,nemotron,"
              "bitnet,bitnet-silu,bitnet-packed"},
        Check{"q8_0", "golden/check.py", "--family llama-q --file '*Q8_0*'"},
        Check{"tokenizers", "tokenizers/check.py", "--only tokenize --batch"},
        Check{"templates", "tokenizers/check.py",
              "--only template --template chatml --template llama-2-chat --template qwen3-0.6b"}),
    [](const auto& test) { return std::string(test.param.name); });

// A model and all that it is converted to give the same logits to the bit.
class ConvertedGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(ConvertedGolden, HasTheSameLogitBytesInBothWorlds) {
  const std::string model = "golden/" + std::string(GetParam());
  BANTAM_NEEDS_SHARED(model);
  const test::ScratchFolder folder;
  const test::Ran ran =
      test::shell("m=" + test::quoted((test::shared_folder() / model).string()) +
                      "\nsame() { bantam logits $1 --tokens 1,5,9,20,33 --out got.f32 && cmp "
                      "want.f32 got.f32; }"
                      "\nset -e"
                      "\nbantam logits $m --tokens 1,5,9,20,33 --out want.f32"
                      "\nbantam convert $m a.gguf && same a.gguf"
                      "\nbantam convert a.gguf a && same a"
                      "\nfor f in $m/*.gguf; do [ -e $f ] || continue; same $f; bantam convert $f "
                      "b --force; same b; done",
                  folder.path());
  EXPECT_EQ(ran.status, 0) << ran.output;
}

INSTANTIATE_TEST_SUITE_P(Cli, ConvertedGolden,
                         ::testing::Values("llama", "llama-sharded", "llama-bf16", "llama3",
                                           "mistral", "qwen2", "qwen3", "qwen3-bf16", "gemma",
                                           "gemma2", "gemma3", "olmo2", "openelm", "smollm3",
                                           "granite", "phi2", "phi3", "phi3-longrope", "phi4-mini",
                                           "gpt2", "stablelm", "stablelm-parallel", "nemotron",
                                           "bitnet", "bitnet-packed"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace bantam
