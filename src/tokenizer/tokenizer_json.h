// tokenizer.json, read into and written from a TokenizerSpec. Format: huggingface/tokenizers
// (tokenizers/src, the serialisation of each part).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "tokenizer/tokenizer_spec.h"

namespace bantam::tokenizer {

// Throws Error with `file`, and the field or the offset.
TokenizerSpec read_tokenizer_json(std::string_view text, const std::string& file);

// Parts of it (tokenizer_json_parts.cpp). Throw Error that names what is not known.
std::vector<NormalizeStep> read_normalizers(const Json& json);
std::vector<PreTokenStep> read_pre_tokenizers(const Json& json);
std::vector<DecodeStep> read_decoders(const Json& json);
void read_post_processor(const Json& json, TokenizerSpec& spec);

// The same written (tokenizer_json_parts_writer.cpp); null for none. Throw Error that names what
// cannot be.
Json write_normalizers(const TokenizerSpec& spec);
Json write_pre_tokenizers(const TokenizerSpec& spec);
Json write_decoders(const TokenizerSpec& spec);
Json write_post_processor(const TokenizerSpec& spec);

}  // namespace bantam::tokenizer
