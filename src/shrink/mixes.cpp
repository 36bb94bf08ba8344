// Rules: llama_tensor_get_type_impl of src/llama-quant.cpp (ggml-org/llama.cpp) for models without
// experts; file types: llama_ftype in include/llama.h there.
#include "shrink/mixes.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace bantam::shrink {

namespace {

bool always(const Spot&) { return true; }
bool first_eighth(const Spot& s) { return s.layer < s.layers / 8; }
bool first_sixteenth(const Spot& s) { return s.layer < s.layers / 16; }
bool first_two(const Spot& s) { return s.layer < 2; }
bool first_four(const Spot& s) { return s.layer < 4; }
// The ends, and every third between them.
bool more_bits(const Spot& s) {
  return s.layer < s.layers / 8 || s.layer >= 7 * s.layers / 8 || (s.layer - s.layers / 8) % 3 == 2;
}
bool shared_keys(const Spot& s) { return s.queries_a_key >= 4; }
bool first_eighth_unweighted(const Spot& s) { return first_eighth(s) && !s.importance; }

constexpr std::array kQ2K{
    MixRule{Place::head, always, Type::q6_k}, MixRule{Place::value, shared_keys, Type::q4_k},
    MixRule{Place::value, always, Type::q3_k}, MixRule{Place::down, always, Type::q3_k},
    MixRule{Place::attention_out, always, Type::q3_k}};
constexpr std::array kQ2KS{MixRule{Place::head, always, Type::q6_k},
                           MixRule{Place::value, shared_keys, Type::q4_k},
                           MixRule{Place::down, first_eighth, Type::q4_k}};
constexpr std::array kQ3KM{
    MixRule{Place::head, always, Type::q6_k},  MixRule{Place::value, first_two, Type::q5_k},
    MixRule{Place::value, always, Type::q4_k}, MixRule{Place::down, first_sixteenth, Type::q5_k},
    MixRule{Place::down, always, Type::q4_k},  MixRule{Place::attention_out, always, Type::q4_k}};
constexpr std::array kQ3KL{
    MixRule{Place::head, always, Type::q6_k}, MixRule{Place::value, always, Type::q5_k},
    MixRule{Place::down, always, Type::q5_k}, MixRule{Place::attention_out, always, Type::q5_k}};
constexpr std::array kQ4KS{MixRule{Place::head, always, Type::q6_k},
                           MixRule{Place::value, first_four, Type::q5_k},
                           MixRule{Place::down, first_eighth, Type::q5_k}};
// Q4_K_M and Q5_K_M.
constexpr std::array kMedium{MixRule{Place::head, always, Type::q6_k},
                             MixRule{Place::value, more_bits, Type::q6_k},
                             MixRule{Place::down, more_bits, Type::q6_k}};
constexpr std::array kIq4{MixRule{Place::head, always, Type::q6_k},
                          MixRule{Place::value, shared_keys, Type::q5_k},
                          MixRule{Place::down, first_eighth_unweighted, Type::q5_k}};
constexpr std::array kTernary{MixRule{Place::head, always, Type::q6_k},
                              MixRule{Place::embedding, always, Type::q4_k}};
constexpr std::array kHeadAlone{MixRule{Place::head, always, Type::q6_k}};

constexpr std::array kMixes{
    Mix{"q2_k", 10, Type::q2_k, kQ2K},         Mix{"q2_k_s", 21, Type::q2_k, kQ2KS},
    Mix{"q3_k_s", 11, Type::q3_k, kHeadAlone}, Mix{"q3_k_m", 12, Type::q3_k, kQ3KM},
    Mix{"q3_k_l", 13, Type::q3_k, kQ3KL},      Mix{"q4_k_s", 14, Type::q4_k, kQ4KS},
    Mix{"q4_k_m", 15, Type::q4_k, kMedium},    Mix{"q5_k_s", 16, Type::q5_k, kHeadAlone},
    Mix{"q5_k_m", 17, Type::q5_k, kMedium},    Mix{"q6_k", 18, Type::q6_k, {}},
    Mix{"iq4_nl", 25, Type::iq4_nl, kIq4},     Mix{"iq4_xs", 30, Type::iq4_xs, kIq4},
    Mix{"tq1_0", 36, Type::tq1_0, kTernary},   Mix{"tq2_0", 37, Type::tq2_0, kTernary},
};

struct PlaceName {
  std::string_view part;
  Place place;
};
constexpr std::array kPlaces{
    PlaceName{"attn_qkv.weight", Place::value},
    PlaceName{"attn_v.weight", Place::value},
    PlaceName{"attn_k.weight", Place::key},
    PlaceName{"attn_q.weight", Place::query},
    PlaceName{"attn_output.weight", Place::attention_out},
    PlaceName{"ffn_up", Place::up},
    PlaceName{"ffn_gate", Place::gate},
    PlaceName{"ffn_down", Place::down},
};

char lower_letter(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

Place place_of(std::string_view gguf_name, bool tied) {
  if (gguf_name == "output.weight") return Place::head;
  if (gguf_name == "token_embd.weight") return tied ? Place::head : Place::embedding;
  for (const PlaceName& p : kPlaces)
    if (gguf_name.find(p.part) != std::string_view::npos) return p.place;
  return Place::other;
}

std::span<const Mix> mixes() { return kMixes; }

const Mix* find_mix(std::string_view name) {
  for (const Mix& mix : kMixes)
    if (std::ranges::equal(mix.name, name, {}, lower_letter, lower_letter)) return &mix;
  return nullptr;
}

Type mix_type(const Mix& mix, Place place, const Spot& spot) {
  for (const MixRule& rule : mix.rules)
    if (rule.place == place && rule.when(spot)) return rule.type;
  return mix.type;
}

}  // namespace bantam::shrink
