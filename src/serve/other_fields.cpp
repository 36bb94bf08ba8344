#include "serve/other_fields.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/nearest.h"
#include "infer/sampler_options.h"
#include "serve/refusal.h"

namespace bantam::serve {

namespace {

// kNothing: of json_schema and its like an empty object asks for something too (any JSON, a search).
constexpr std::string_view kAny = "any", kNothing = "null", kChat = "; /v1/chat/completions has it";

constexpr OtherField kOthers[] = {
    {"_debug_render_only"},
    {"adaptive_decay", kAny},  // without adaptive_target
    {"adaptive_target", "-1.0"},
    {"add_generation_prompt", "true"},
    {"add_special_tokens", "false", "", Endpoint::chat},
    {"add_special_tokens", "true", "", Endpoint::completion},
    {"allowed_token_ids"},
    {"audio"},
    {"backend_sampling", kAny},
    {"bad_words"},
    {"best_of", "1", "; one answer a request is given"},
    {"cache_prompt", kAny},
    {"cache_salt", kAny},
    {"chat_format"},
    {"chat_parser"},
    {"chat_template", "", "; serve --template NAME chooses one"},
    {"chat_template_kwargs", "", kChat, Endpoint::completion},
    {"context"},
    {"continue_final_message"},
    {"documents"},
    {"draft_model", kAny},  // speculation: the same answer
    {"dry_sequence_breakers"},
    {"dynatemp_exponent", kAny},  // without dynatemp_range
    {"dynatemp_range", "0"},
    {"early_stopping"},
    {"ec_transfer_params"},
    {"echo", "", "; /v1/completions has it", Endpoint::chat},
    {"enable_thinking", "", kChat, Endpoint::completion},
    {"format"},
    {"function_call", "\"none\""},
    {"functions"},
    {"grammar"},
    {"grammar_lazy"},
    {"grammar_triggers"},
    {"guided_choice"},
    {"guided_decoding_backend"},
    {"guided_grammar"},
    {"guided_json", kNothing},
    {"guided_options_request"},
    {"guided_regex"},
    {"guided_whitespace_pattern"},
    {"id_slot", "-1"},
    {"ignore_eos"},
    {"image_data"},
    {"images"},
    {"include_reasoning", "true"},
    {"include_stop_str_in_output"},
    {"json_schema", kNothing},
    {"keep_alive", kAny},
    {"kv_transfer_params"},
    {"length_penalty", "1"},
    {"logits_processors"},
    {"logprob_token_ids"},
    {"media_io_kwargs"},
    {"messages", "", kChat, Endpoint::completion},
    {"metadata", kAny},
    {"min_keep", "0"},
    {"min_tokens", "0"},
    {"mm_processor_kwargs"},
    {"modalities", "[\"text\"]"},
    {"moderation"},
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
    {"prefix"},
    {"preserved_tokens"},
    {"priority", "0"},
    {"prompt", "", "; /v1/completions takes one", Endpoint::chat},
    {"prompt_cache_key", kAny},
    {"prompt_cache_options", kAny},
    {"prompt_cache_retention", kAny},
    {"prompt_embeds"},
    {"prompt_logprobs", "", "; echo with logprobs is, for /v1/completions"},
    {"raw"},
    {"reasoning", kNothing, "; reasoning_effort is"},
    {"reasoning_budget", "-1"},
    {"reasoning_budget_tokens", "-1"},
    {"reasoning_effort", "", kChat, Endpoint::completion},
    {"reasoning_format", "\"none\"", "; thoughts stay in the text"},
    {"reasoning_in_content", kAny},
    {"repetition_detection"},
    {"request_id", kAny},
    {"response_fields"},
    {"return_mm_kwargs", kAny},
    {"return_progress", kAny},
    {"return_prompt_text"},
    {"return_token_ids"},
    {"return_token_offsets"},
    {"return_tokens"},
    {"return_tokens_as_token_ids"},
    {"routed_experts_prompt_start", "0"},
    {"safety_identifier", kAny},
    {"samplers"},
    {"service_tier", kAny},
    {"session_id", kAny},
    {"shift"},
    {"skip_special_tokens", "true"},
    {"spaces_between_special_tokens", kAny},  // special tokens are not shown
    {"speculative.n_max", kAny},
    {"speculative.n_min", kAny},
    {"speculative.ngram_m_hits", kAny},
    {"speculative.ngram_size_m", kAny},
    {"speculative.ngram_size_n", kAny},
    {"speculative.p_min", kAny},
    {"speculative.type", kAny},
    {"stop_token_ids"},
    {"store", kAny},  // nothing is kept
    {"stream_interval", kAny},  // the same answer in other pieces
    {"structural_tag"},
    {"structured_outputs"},
    {"suffix"},
    {"system"},
    {"t_max_predict_ms", "0"},
    {"template"},
    {"tfs_z", "1"},
    {"think", "", kChat, Endpoint::completion},
    {"thinking", kNothing, "; enable_thinking and think are"},
    {"thinking_budget_tokens", "-1"},
    {"thinking_forced_open"},
    {"thinking_token_budget", "-1"},
    {"timings_per_token", kAny},
    {"tool_choice", "\"none\""},
    {"tools"},
    {"top_logprobs", "0", "; logprobs is the number here", Endpoint::completion},
    {"truncate"},
    {"truncate_prompt_tokens"},
    {"truncation_side", kAny},  // without truncate_prompt_tokens
    {"ttl", kAny},  // how long a server keeps a model
    {"use_beam_search"},
    {"user", kAny},
    {"verbosity", "\"medium\""},
    {"vllm_xargs"},
    {"watermarking"},
    {"web_search_options", kNothing},
};

// Those that are read elsewhere, beside the sampler's; where one is of one endpoint alone, the table
// has it for the other.
constexpr std::string_view kServed[] = {
    "chat_template_kwargs",
    "echo",
    "enable_thinking",
    "logit_bias",
    "logprobs",
    "lora",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "model",
    "n_predict",
    "prompt",
    "reasoning_effort",
    "response_format",
    "seed",
    "stop",
    "stream",
    "stream_options",
    "think",
    "top_logprobs",
};

bool is_neutral(const Json& value, const OtherField& field) {
  if (field.neutral == kAny) return true;
  if (field.neutral == kNothing) return false;
  // What is on unless it is said otherwise is not off when it is said.
  if (says_nothing(value)) return field.neutral != "true" || !value.is_boolean();
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

const OtherField* other_field(std::string_view name, Endpoint endpoint) {
  const auto found = std::ranges::find_if(kOthers, [&](const OtherField& other) {
    return other.name == name && (!other.only || *other.only == endpoint);
  });
  return found == std::end(kOthers) ? nullptr : &*found;
}

// Fields of the endpoints that write nothing.
constexpr std::pair<std::string_view, std::string_view> kElsewhere[] = {
    {"add_special", "/tokenize has it"},    {"content", "/tokenize has it"},
    {"parse_special", "/tokenize has it"},  {"return_token_strs", "/tokenize has it"},
    {"tokens", "/detokenize has it; /v1/completions takes ids as prompt"},
    {"with_pieces", "/tokenize has it"},
};

// Where a field that is none in this place does something; `inside` an object of a body. Empty: nowhere.
std::string_view where_it_does(std::string_view name, bool inside) {
  const bool served = std::ranges::find(kServed, name) != std::end(kServed) || find_sampler_option(name) != nullptr;
  if (served && inside) return name == "messages" || name == "prompt" ? "" : "it stands in the body itself, for all of the answer";
  if (served && name == "messages") return "/v1/chat/completions has it";
  if (served) return "/v1/completions and /v1/chat/completions, which write an answer, have it";
  if (inside) return "";
  const auto found = std::ranges::find(kElsewhere, name, &std::pair<std::string_view, std::string_view>::first);
  return found == std::end(kElsewhere) ? "" : found->second;
}

}  // namespace

std::span<const OtherField> other_fields() { return kOthers; }

void refuse_others(const Json& body, Endpoint endpoint) {
  static const std::vector<std::string> known = known_names();
  for (const auto& [name, value] : body.items()) {
    if (value.is_null()) continue;  // nothing is said
    if (const OtherField* other = other_field(name, endpoint)) {
      if (is_neutral(value, *other)) continue;
      throw Refusal(400, "is not supported by this server" + std::string(other->instead), name,
                    "unsupported_parameter");
    }
    if (std::ranges::find(known, name) == known.end()) refuse_unknown(name, known);
  }
}

void refuse_unknown(std::string_view name, std::span<const std::string> known,
                    const std::string& path) {
  if (const std::string_view where = where_it_does(name, !path.empty()); !where.empty())
    throw Refusal(400, "there is no such field here; " + std::string(where), (path.empty() ? "" : path + ".") + printable(name, 60),
                  "unknown_parameter");
  const std::string near = nearest(name, known);
  throw Refusal(400,
                "there is no such field" +
                    (near.empty() ? "; leave it out, it would do nothing"
                                  : "; did you mean " + near + "?"),
                (path.empty() ? "" : path + ".") + printable(name, 60), "unknown_parameter");
}

}  // namespace bantam::serve
