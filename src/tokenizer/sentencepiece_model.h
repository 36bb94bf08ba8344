// A SentencePiece model file (tokenizer.model): the protocol buffer ModelProto of
// google/sentencepiece, src/sentencepiece_model.proto.
#pragma once

#include <string>
#include <string_view>

#include "base/rooms.h"
#include "tokenizer/tokenizer_spec.h"

namespace bantam::tokenizer {

// Whether the bytes begin as such a file does.
bool is_sentencepiece_model(std::string_view bytes);

// BPE and unigram models. A text begins with <s> (BPE) or ends with </s> (unigram), as llama.cpp
// and the makers' code have it: the file itself does not say. Throws Error with `file`, field and
// offset.
TokenizerSpec read_sentencepiece_model(std::string_view bytes, const std::string& file);

}  // namespace bantam::tokenizer
