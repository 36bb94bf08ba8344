// A TokenizerSpec as tokenizer.json and tokenizer_config.json.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "tokenizer/sentencepiece_merges.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_json.h"

namespace bantam::tokenizer {

namespace {

void quote(std::string_view text, std::string& out) {
  static constexpr char digits[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out.append(1, '\\').append(1, c);
    else if (c == '\n')
      out += "\\n";
    else if (byte < 0x20)
      out.append("\\u00").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
    else
      out += c;
  }
  out += '"';
}

// The big parts are written as text: a tree of them would be many times as large.
class ModelWriter {
 public:
  ModelWriter(const TokenizerSpec& spec, std::string& out) : spec_(spec), out_(out) {}

  void write() {
    using Model = TokenizerSpec::Model;
    if (spec_.model == Model::unigram) return write_unigram();
    if (spec_.model == Model::word_piece) return write_word_piece();
    const bool scored = spec_.model == Model::score_bpe;
    Json head{{"type", "BPE"},
              {"dropout", nullptr},
              {"unk_token", nullptr},
              {"continuing_subword_prefix", nullptr},
              {"end_of_word_suffix", nullptr},
              {"fuse_unk", spec_.fuse_unk},
              {"byte_fallback", spec_.byte_fallback},
              {"ignore_merges", spec_.ignore_merges}};
    if (spec_.unk && spec_.marks_unknown) head["unk_token"] = spec_.vocabulary.piece(*spec_.unk);
    if (!spec_.continuing_prefix.empty())
      head["continuing_subword_prefix"] = spec_.continuing_prefix;
    if (!spec_.end_suffix.empty()) head["end_of_word_suffix"] = spec_.end_suffix;
    begin(head);
    out_ += ",\n\"vocab\":{";
    write_vocabulary([](std::string_view piece, TokenType) { return std::string(piece); });
    out_ += "},\n\"merges\":[";
    write_merges(scored ? merges_from_scores(spec_) : spec_.merges);
    out_ += "]}";
  }

 private:
  void begin(const Json& head) {
    out_ += to_text(head);
    out_.pop_back();  // more fields follow
  }
  bool outside(std::int32_t id) const {
    return std::binary_search(spec_.outside.begin(), spec_.outside.end(), id);
  }
  template <class Spell>
  void write_vocabulary(Spell spell) {
    bool first = true;
    for (std::int32_t id = 0; id < spec_.vocabulary.size(); ++id) {
      if (outside(id)) continue;
      out_ += first ? "\n" : ",\n";
      first = false;
      quote(spell(spec_.vocabulary.piece(id), spec_.types[static_cast<std::size_t>(id)]), out_);
      out_ += ':' + std::to_string(id);
    }
  }
  // As "a b", which every version reads, unless a token holds a space.
  void write_merges(const std::vector<std::pair<std::int32_t, std::int32_t>>& merges) {
    const auto spaced = [this](const auto& merge) {
      return spec_.vocabulary.piece(merge.first).find(' ') != std::string_view::npos ||
             spec_.vocabulary.piece(merge.second).find(' ') != std::string_view::npos;
    };
    const bool pairs = std::any_of(merges.begin(), merges.end(), spaced);
    bool first = true;
    for (const auto& [left, right] : merges) {
      out_ += first ? "\n" : ",\n";
      first = false;
      const std::string_view a = spec_.vocabulary.piece(left), b = spec_.vocabulary.piece(right);
      if (!pairs) {
        quote(std::string(a).append(" ").append(b), out_);
        continue;
      }
      out_ += '[';
      quote(a, out_);
      out_ += ',';
      quote(b, out_);
      out_ += ']';
    }
  }
  void write_unigram() {
    if (!spec_.outside.empty() &&
        spec_.outside.front() < spec_.vocabulary.size() - std::ssize(spec_.outside))
      throw Error("tokens that are not the model's stand among those that are").field("vocabulary");
    begin({{"type", "Unigram"},
           {"unk_id", spec_.unk ? Json(*spec_.unk) : Json()},
           {"byte_fallback", spec_.byte_fallback}});
    out_ += ",\n\"vocab\":[";
    bool first = true;
    for (std::int32_t id = 0; id < spec_.vocabulary.size(); ++id) {
      if (outside(id)) continue;
      out_ += first ? "\n[" : ",\n[";
      first = false;
      quote(spec_.vocabulary.piece(id), out_);
      out_ += ',' + to_text(Json(spec_.scores[static_cast<std::size_t>(id)])) + ']';
    }
    out_ += "]}";
  }
  void write_word_piece() {
    begin({{"type", "WordPiece"},
           {"unk_token", spec_.vocabulary.piece(*spec_.unk)},
           {"continuing_subword_prefix", spec_.phantom_space ? "##" : spec_.continuing_prefix},
           {"max_input_chars_per_word", spec_.longest_word > 0 ? spec_.longest_word : 100}});
    out_ += ",\n\"vocab\":{";
    write_vocabulary([this](std::string_view piece, TokenType type) {
      if (!spec_.phantom_space || type != TokenType::normal) return std::string(piece);
      if (piece.starts_with(kSpaceMark)) return std::string(piece.substr(kSpaceMark.size()));
      // Converters to GGUF leave names in brackets as they are.
      const bool name = piece.starts_with('[') && piece.ends_with(']');
      return (name ? "" : "##") + std::string(piece);
    });
    out_ += "}}";
  }

  const TokenizerSpec& spec_;
  std::string& out_;
};

Json added_token(const AddedToken& token) {
  return {{"content", token.content},       {"single_word", token.single_word},
          {"lstrip", token.lstrip},         {"rstrip", token.rstrip},
          {"normalized", token.normalized}, {"special", token.special}};
}

}  // namespace

std::string tokenizer_json(const Tokenizer& tokenizer) {
  const TokenizerSpec& spec = tokenizer.spec();
  std::vector<AddedToken> added(spec.added);
  std::sort(added.begin(), added.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  std::string out =
      "{\"version\":\"1.0\",\n\"truncation\":null,\n\"padding\":null,\n\"added_tokens\":[";
  for (std::size_t i = 0; i < added.size(); ++i) {
    Json token{{"id", added[i].id}};
    token.update(added_token(added[i]));
    out += (i == 0 ? "\n" : ",\n") + to_text(token);
  }
  out += "],\n\"normalizer\":" + to_text(write_normalizers(spec));
  out += ",\n\"pre_tokenizer\":" + to_text(write_pre_tokenizers(spec));
  out += ",\n\"post_processor\":" + to_text(write_post_processor(spec));
  out += ",\n\"decoder\":" + to_text(write_decoders(spec));
  out += ",\n\"model\":";
  ModelWriter(spec, out).write();
  return out + "}\n";
}

std::string tokenizer_config_json(const Tokenizer& tokenizer) {
  const TokenizerSpec& spec = tokenizer.spec();
  Json decoder = Json::object();
  std::vector<AddedToken> added(spec.added);
  std::sort(added.begin(), added.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  for (const AddedToken& token : added) decoder[std::to_string(token.id)] = added_token(token);
  const auto in = [](const std::vector<std::int32_t>& list, std::optional<std::int32_t> id) {
    return id && std::find(list.begin(), list.end(), *id) != list.end();
  };
  Json out{{"add_bos_token", in(spec.prefix, spec.bos)},
           {"add_eos_token", in(spec.suffix, spec.eos)},
           {"added_tokens_decoder", std::move(decoder)}};
  const auto name = [&](const char* key, std::optional<std::int32_t> id) {
    if (id) out[key] = spec.vocabulary.piece(*id);
  };
  name("bos_token", spec.bos);
  name("eos_token", spec.eos);
  name("unk_token", spec.unk);
  name("pad_token", spec.pad);
  name("sep_token", spec.sep);
  name("cls_token", spec.cls);
  name("mask_token", spec.mask);
  if (!spec.chat_template.empty()) out["chat_template"] = spec.chat_template;
  if (!spec.named_templates.empty()) {
    Json list = Json::array();
    if (!spec.chat_template.empty())
      list.push_back({{"name", "default"}, {"template", spec.chat_template}});
    for (const auto& [title, text] : spec.named_templates)
      list.push_back({{"name", title}, {"template", text}});
    out["chat_template"] = std::move(list);
  }
  out["clean_up_tokenization_spaces"] = false;
  out["tokenizer_class"] = "PreTrainedTokenizerFast";
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace bantam::tokenizer
