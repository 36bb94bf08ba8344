#include "serve/other_fields.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/nearest.h"
#include "infer/sampler_options.h"
#include "serve/refusal.h"

namespace bantam::serve {

namespace {

constexpr std::string_view kAny = "any";

constexpr OtherField kOthers[] = {
    {"_debug_render_only"},
    {"adaptive_decay", kAny},  // without adaptive_target
    {"adaptive_target", "-1.0"},
    {"add_generation_prompt", "true"},
    {"add_special_tokens", "true"},
    {"allowed_token_ids"},
    {"audio"},
    {"backend_sampling", kAny},
    {"bad_words"},
    {"best_of", "1", "; one answer a request is given"},
    {"cache_prompt", kAny},
    {"cache_salt", kAny},
    {"chat_format"},
    {"chat_template", "", "; serve --template NAME chooses one"},
    {"context"},
    {"continue_final_message"},
    {"documents"},
    {"dry_sequence_breakers"},
    {"dynatemp_exponent", kAny},  // without dynatemp_range
    {"dynatemp_range", "0"},
    {"early_stopping"},
    {"format"},
    {"function_call", "\"none\""},
    {"functions"},
    {"grammar"},
    {"grammar_lazy"},
    {"grammar_triggers"},
    {"guided_choice"},
    {"guided_decoding_backend", kAny},
    {"guided_grammar"},
    {"guided_json"},
    {"guided_regex"},
    {"guided_whitespace_pattern", kAny},
    {"id_slot", "-1"},
    {"ignore_eos"},
    {"image_data"},
    {"images"},
    {"include_reasoning", kAny},
    {"include_stop_str_in_output"},
    {"json_schema"},
    {"keep_alive", kAny},
    {"kv_transfer_params"},
    {"length_penalty", "1"},
    {"logits_processors"},
    {"lora"},
    {"metadata", kAny},
    {"min_keep", "0"},
    {"min_tokens", "0"},
    {"mm_processor_kwargs"},
    {"modalities", "[\"text\"]"},
    {"model", kAny},
    {"multimodal_data"},
    {"n", "1", "; one answer a request is given"},
    {"n_cache_reuse", kAny},
    {"n_cmpl", "1", "; one answer a request is given"},
    {"n_discard", kAny},  // a context is never shifted
    {"n_indent", "0"},
    {"n_keep", kAny},
    {"n_probs", "0", "; logprobs is"},
    {"num_ctx", "", "; serve --ctx sets it"},
    {"num_predict", "", "; max_tokens is"},
    {"options", "", "; its fields are, as fields of the request"},
    {"parallel_tool_calls", kAny},  // without tools
    {"parse_tool_calls", kAny},
    {"penalize_nl"},
    {"post_sampling_probs"},
    {"prediction", kAny},  // speculation: the same answer
    {"preserved_tokens"},
    {"priority", "0"},
    {"prompt_cache_key", kAny},
    {"prompt_cache_retention", kAny},
    {"prompt_embeds"},
    {"prompt_logprobs", "", "; echo with logprobs is, for /v1/completions"},
    {"raw"},
    {"reasoning"},
    {"reasoning_budget", "-1"},
    {"reasoning_effort", "", "; chat_template_kwargs reaches the template"},
    {"reasoning_format", kAny},
    {"reasoning_in_content", kAny},
    {"request_id", kAny},
    {"response_fields"},
    {"return_progress", kAny},
    {"return_token_ids"},
    {"return_tokens"},
    {"return_tokens_as_token_ids"},
    {"safety_identifier", kAny},
    {"samplers"},
    {"service_tier", kAny},
    {"skip_special_tokens", "true"},
    {"spaces_between_special_tokens", kAny},  // special tokens are not shown
    {"speculative.n_max", kAny},
    {"speculative.n_min", kAny},
    {"speculative.p_min", kAny},
    {"stop_token_ids"},
    {"store", kAny},  // nothing is kept
    {"structural_tag"},
    {"structured_outputs"},
    {"suffix"},
    {"system"},
    {"t_max_predict_ms", "0"},
    {"template"},
    {"tfs_z", "1"},
    {"think"},
    {"thinking_forced_open"},
    {"timings_per_token", kAny},
    {"tool_choice", "\"none\""},
    {"tools"},
    {"truncate_prompt_tokens"},
    {"use_beam_search"},
    {"user", kAny},
    {"verbosity", "\"medium\""},
    {"vllm_xargs"},
    {"web_search_options"},
};

// Those that are read elsewhere, beside the sampler's.
constexpr std::string_view kServed[] = {
    "chat_template_kwargs",
    "echo",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "n_predict",
    "prompt",
    "response_format",
    "seed",
    "stop",
    "stream",
    "stream_options",
    "top_logprobs",
};

bool is_neutral(const Json& value, const OtherField& field) {
  if (value.is_null() || field.neutral == kAny) return true;
  // What is on unless it is said otherwise is not off when it is said.
  if (value == Json(false)) return field.neutral != "true";
  if ((value.is_string() && value.get_ref<const std::string&>().empty()) ||
      (value.is_structured() && value.empty()))
    return true;
  return !field.neutral.empty() && value == parse_json(field.neutral, "a value");
}

std::string as_field(std::string_view name) {
  std::string field(name);
  std::ranges::replace(field, '-', '_');
  return field;
}

std::vector<std::string> known_names() {
  std::vector<std::string> names(std::begin(kServed), std::end(kServed));
  for (const SamplerOption& option : sampler_options()) {
    names.push_back(as_field(option.main_name()));
    if (!option.field.empty()) names.emplace_back(option.field);
  }
  for (const OtherField& other : kOthers) names.emplace_back(other.name);
  return names;
}

}  // namespace

std::span<const OtherField> other_fields() { return kOthers; }

void refuse_others(const Json& body) {
  static const std::vector<std::string> known = known_names();
  constexpr int kMostUnknown = 32;  // a body of nothing but nonsense must not take long
  int unknown = 0;
  for (const auto& [name, value] : body.items()) {
    const auto other = std::ranges::find(kOthers, name, &OtherField::name);
    if (other != std::end(kOthers)) {
      if (is_neutral(value, *other)) continue;
      throw Refusal(400, "is not supported by this server" + std::string(other->instead), name,
                    "unsupported_parameter");
    }
    if (std::ranges::find(known, name) != known.end() || ++unknown > kMostUnknown) continue;
    // A slip of the pen would be left out in silence.
    if (const std::string near = nearest(name, known); !near.empty())
      throw Refusal(400, "there is no such field; did you mean " + near + "?", printable(name, 60),
                    "unknown_parameter");
  }
}

}  // namespace bantam::serve
