// Logits are the same bytes on every processor: the sums below were made on x86-64 and are compared
// there and on 64-bit Arm, for each instruction set.
#include <gtest/gtest.h>

#include "base/hash.h"
#include "blocks/format.h"
#include "infer/runs.h"
#include "support/tiny_families.h"

namespace bantam::test {
namespace {

// The first eight bytes of the SHA-256 of all logits (none of them subnormal).
std::string sum_of(const Logits& logits) {
  Sha256 sum;
  for (const std::vector<float>& row : logits) sum.add(std::as_bytes(std::span(row)));
  return sum.hex().substr(0, 16);
}

std::string logits_sum(const TinyModel& tiny, const SessionOptions& options) {
  ScratchFolder folder;
  write_tiny_gguf(folder / "m.gguf", tiny);
  Session session(std::make_shared<const ModelFile>(folder / "m.gguf"), options);
  return sum_of(run(session, 0, some_tokens(37, 11), 16));
}

void expect_on_every_instruction_set(const std::string& what, const TinyModel& tiny,
                                     SessionOptions options, const char* expected) {
  options.threads = 2;
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::amx, Isa::neon}) {
    if (!isa_available(isa)) continue;
    options.isa = isa;
    EXPECT_EQ(logits_sum(tiny, options), expected) << what << ", " << isa_name(isa);
  }
}

struct FamilySum {
  const char* family;  // of tiny_families.h
  const char* sum;
};
constexpr FamilySum kFamilySums[] = {
    {"llama", "e1494893ac3b1150"},
    {"llama_with_biases", "365e7cb461e52097"},
    {"mistral", "2592660b1d215fa6"},
    {"qwen2", "3f41cd23948ea701"},
    {"qwen2_late_windows", "615b33816b3b5051"},
    {"qwen3", "c844c2e2133b3fee"},
    {"gemma", "7c7e1c31f2eddbdb"},
    {"gemma2", "94bf389abfee9f1c"},
    {"gemma3", "9c2b64c7fee7cda1"},
    {"gemma3_irregular", "147a487bdccb800e"},
    {"olmo2", "1dbfe4596066eb99"},
    {"olmo3", "68e911413ae90596"},
    {"smollm3", "3a65b0aee037f2d2"},
    {"granite", "89352cc5f795dc16"},
    {"phi3", "759424f0a2da4b28"},
    {"phi3_longrope", "d8c13d4a6b0e64f6"},
    {"phi2", "1acdebc3afa80877"},
    {"gpt2", "de4e4a29541a82bd"},
    {"gpt2_own_head", "6daa0711764243b3"},
    {"stablelm", "a83424ebfb1cb4cc"},
    {"stablelm_parallel", "65fd2c957943e5da"},
    {"nemotron", "819e9138b253aa9b"},
    {"nemotron_with_biases", "6304151ef8b3557b"},
    {"bitnet", "527846ef97f7b896"},
    {"bitnet_b158", "1f479dac80ff2e36"},
    {"bitnet_25", "4ef2f167fdeac49b"},
    {"llama_yarn", "e15dde5c47d127d2"},
    {"openelm", "671864db50fc3cff"},
};

TEST(PortableBytes, EveryFamily) {
  for (const TinyFamily& family : kTinyFamilies) {
    TinyModel tiny;
    tiny.change = family.change;
    const char* expected = "none: add a row";
    for (const FamilySum& row : kFamilySums)
      if (std::string_view(row.family) == family.name) expected = row.sum;
    expect_on_every_instruction_set(family.name, tiny, {}, expected);
  }
}

struct TypeSum {
  Type weights;
  Arithmetic arithmetic;
  Type cache;
  const char* sum;
};
constexpr TypeSum kTypeSums[] = {
    {Type::f32, Arithmetic::f32, Type::f32, "f653ac56b3fa33e9"},
    {Type::f32, Arithmetic::bf16, Type::f32, "ef89d60e03511d83"},
    {Type::f16, Arithmetic::f32, Type::f16, "e1494893ac3b1150"},
    {Type::bf16, Arithmetic::f32, Type::bf16, "31a0c8a85b7fedb3"},
    {Type::bf16, Arithmetic::bf16, Type::bf16, "8073dffb64ea07f9"},
    {Type::q8_0, Arithmetic::int8, Type::f16, "f2fcc8737cc51b4e"},
    {Type::q8_0, Arithmetic::bf16, Type::bf16, "349ee13a3f278c79"},
    {Type::q8_0, Arithmetic::faithful, Type::f16, "244b32ccb729c3d3"},
    {Type::q4_0, Arithmetic::int8, Type::f16, "9b2d3c06eb40803f"},
    {Type::q4_0, Arithmetic::faithful, Type::f16, "8e4a19093906e4e5"},
    {Type::q4_1, Arithmetic::int8, Type::f16, "11de2a51ec8f69d4"},
    {Type::q4_1, Arithmetic::faithful, Type::f16, "d88cf27274f737fa"},
};

TEST(PortableBytes, EveryTypeAndArithmetic) {
  for (const TypeSum& row : kTypeSums) {
    TinyModel tiny;
    tiny.type = row.weights;
    SessionOptions options;
    options.arithmetic = row.arithmetic;
    options.cache = row.cache;
    const std::string what = std::string(format(row.weights).name) + ", arithmetic " +
                             std::to_string(static_cast<int>(row.arithmetic));
    expect_on_every_instruction_set(what, tiny, options, row.sum);
  }
}

}  // namespace
}  // namespace bantam::test
