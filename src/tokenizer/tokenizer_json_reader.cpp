#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "words/byte_alphabet.h"
#include "tokenizer/end_tokens.h"
#include "tokenizer/tokenizer_json.h"

namespace bantam::tokenizer {

namespace {

// The large lists are taken as they come; all else becomes a small tree.
class Handler final : public JsonHandler {
 public:
  // `second`: the vocabulary is known by now, only the merges are taken.
  Handler(TokenizerSpec& spec, bool second) : spec_(spec), second_(second) {}

  Json take() { return std::move(root_); }
  bool merges_too_early() const { return early_; }

  void begin_object() override {
    if (list_ == List::added && list_depth_ > 1) throw shape();
    if (list_ == List::none && path_is("model", "vocab"))
      open_list(List::vocabulary);
    else if (list_ != List::none)
      ++list_depth_;
    else
      open(Json::object());
    if (list_ == List::added && list_depth_ == 2) added_ = {};
  }
  void end_object() override {
    if (list_ == List::added && list_depth_ == 2) finish_added();
    end();
  }
  void begin_array() override {
    if (list_ == List::added) throw shape();
    if (list_ == List::none && path_is("model", "vocab"))
      open_list(List::scored);
    else if (list_ == List::none && path_is("model", "merges"))
      open_list(List::merges);
    else if (list_ == List::none && open_.size() == 1 && key_ == "added_tokens")
      open_list(List::added);
    else if (list_ != List::none)
      ++list_depth_;
    else
      open(Json::array());
    if (list_depth_ == 2) parts_ = 0;
  }
  void end_array() override {
    if (list_ == List::merges && list_depth_ == 2 && parts_ == 2) add_merge(first_, piece_);
    if (list_depth_ == 2 && parts_ != 2 && (list_ == List::merges || list_ == List::scored))
      throw shape();
    end();
  }
  void key(std::string& name) override {
    if (list_ == List::vocabulary && list_depth_ > 1) throw shape();
    if (list_ == List::none && !keys_.back().insert(name).second)
      throw Error("the key stands twice in one object").field(printable(name));
    key_ = std::move(name);
  }
  void string(std::string& value) override {
    switch (list_) {
      case List::none:
        return add(std::move(value));
      case List::vocabulary:
        throw shape();
      case List::scored:
        if (list_depth_ != 2 || parts_++ != 0) throw shape();
        piece_ = std::move(value);
        return;
      case List::merges:
        if (list_depth_ == 1) return split_merge(value);
        if (list_depth_ != 2 || parts_ > 1) throw shape();
        (parts_++ == 0 ? first_ : piece_) = std::move(value);
        return;
      case List::added:
        if (list_depth_ != 2 || key_ == "id" || flag_of(key_)) throw shape();
        if (key_ == "content") added_.content = std::move(value);
    }
  }
  void integer(std::int64_t value) override {
    if (list_ == List::none) return add(value);
    if (list_ == List::scored) return real(static_cast<double>(value));
    if (list_ == List::merges) throw shape();
    if (list_ == List::added && (list_depth_ != 2 || key_ == "content" || flag_of(key_)))
      throw shape();
    if (value < 0 || value >= kMostTokens)
      throw Error("an id below " + std::to_string(kMostTokens) + " was expected, not " +
                  std::to_string(value))
          .field(list_ == List::vocabulary ? printable(key_) : "added_tokens.id");
    if (list_ == List::vocabulary && !second_)
      spec_.vocabulary.add(static_cast<std::int32_t>(value), key_);
    if (list_ == List::added && key_ == "id") added_.id = static_cast<std::int32_t>(value);
  }
  void real(double value) override {
    if (list_ == List::none) return add(value);
    if (list_ != List::scored || list_depth_ != 2 || parts_++ != 1) throw shape();
    if (second_) return;
    spec_.vocabulary.add(static_cast<std::int32_t>(spec_.scores.size()), piece_);
    spec_.scores.push_back(value);
  }
  void boolean(bool value) override {
    if (list_ == List::none) return add(value);
    if (list_ != List::added) throw shape();
    if (list_depth_ != 2 || key_ == "content" || key_ == "id") throw shape();
    if (const auto flag = flag_of(key_)) added_.*flag = value;
  }
  void null() override {
    if (list_ == List::none) return add(nullptr);
    throw shape();
  }

 private:
  enum class List { none, vocabulary, scored, merges, added };

  using AddedFlag = bool AddedToken::*;
  static AddedFlag flag_of(std::string_view key) {
    constexpr std::pair<std::string_view, AddedFlag> kFlags[] = {
        {"special", &AddedToken::special},         {"normalized", &AddedToken::normalized},
        {"lstrip", &AddedToken::lstrip},           {"rstrip", &AddedToken::rstrip},
        {"single_word", &AddedToken::single_word},
    };
    for (const auto& [name, flag] : kFlags)
      if (name == key) return flag;
    return nullptr;
  }

  Error shape() const {
    switch (list_) {
      case List::vocabulary:
        return Error("tokens and their ids were expected").field("model.vocab");
      case List::scored:
        return Error("pairs of a token and its score were expected").field("model.vocab");
      case List::merges:
        return Error("pairs of tokens were expected").field("model.merges");
      default:
        return Error("objects with id, content and flags were expected").field("added_tokens");
    }
  }
  bool path_is(std::string_view outer, std::string_view inner) const {
    return open_.size() == 2 && outer_key_ == outer && key_ == inner;
  }
  void open_list(List list) {
    list_ = list;
    list_depth_ = 1;
  }
  void end() {
    if (list_ == List::none) {
      open_.pop_back();
      keys_.pop_back();
    } else if (--list_depth_ == 0) {
      if (list_ == List::merges) look_up_merges();
      list_ = List::none;
    }
  }

  // The small tree.
  void open(Json value) {
    if (open_.size() == 1) outer_key_ = key_;
    open_.push_back(&put(std::move(value)));
    keys_.emplace_back();
  }
  void add(Json value) { put(std::move(value)); }
  Json& put(Json value) {
    constexpr std::int64_t kMost = 100'000;
    if (++values_ > kMost)
      throw Error("more than " + std::to_string(kMost) + " values beside the vocabulary");
    if (open_.empty()) return root_ = std::move(value);
    Json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return parent.back();
    }
    return parent[key_] = std::move(value);
  }

  void split_merge(const std::string& text) {
    if (text.starts_with("#version")) return;
    const std::size_t gap = text.find(' ');
    if (gap == std::string::npos || text.find(' ', gap + 1) != std::string::npos)
      throw Error("two tokens with a space between were expected, not \"" + printable(text) + "\"")
          .field("model.merges");
    add_merge(std::string_view(text).substr(0, gap), std::string_view(text).substr(gap + 1));
  }
  void add_merge(std::string_view left, std::string_view right) {
    // Offsets in waiting_: the text moves while it grows.
    for (const std::string_view half : {left, right}) {
      waiting_ += half;
      ends_.push_back(waiting_.size());
    }
    if (ends_.size() == 128) look_up_merges();
  }
  void look_up_merges() {
    std::vector<std::string_view> halves;
    std::size_t begin = 0;
    for (const std::size_t end : ends_) {
      halves.push_back(std::string_view(waiting_).substr(begin, end - begin));
      begin = end;
    }
    std::vector<std::int32_t> ids(halves.size());
    spec_.vocabulary.find(halves, ids);
    for (std::size_t i = 0; i < ids.size() && !early_; i += 2) {
      if (ids[i] >= 0 && ids[i + 1] >= 0)
        spec_.merges.emplace_back(ids[i], ids[i + 1]);
      else if (!second_)
        early_ = true;  // the vocabulary may follow
      else
        throw Error("merge " + std::to_string(spec_.merges.size()) + ", \"" + printable(halves[i]) +
                    "\" and \"" + printable(halves[i + 1]) +
                    "\", does not name two tokens of the vocabulary")
            .field("model.merges");
    }
    waiting_.clear();
    ends_.clear();
  }
  void finish_added() {
    constexpr std::size_t kMost = 1 << 20;
    if (second_) return;
    if (added_.id < 0) throw Error("an added token has no id").field("added_tokens");
    if (added_.content.empty())
      throw Error("the added token " + std::to_string(added_.id) + " is empty")
          .field("added_tokens");
    if (spec_.added.size() >= kMost)
      throw Error("at most " + std::to_string(kMost) + " added tokens are expected")
          .field("added_tokens");
    spec_.added.push_back(std::move(added_));
    added_ = {};
  }

  TokenizerSpec& spec_;
  bool second_, early_ = false;
  Json root_;
  std::vector<Json*> open_;  // a child is complete before its parent can move it
  std::vector<std::set<std::string>> keys_;
  std::string key_, outer_key_;
  std::int64_t values_ = 0;
  List list_ = List::none;
  int list_depth_ = 0, parts_ = 0;
  std::string first_, piece_;
  std::string waiting_;            // halves of merges that are looked up together
  std::vector<std::size_t> ends_;  // where each of them ends
  AddedToken added_;
};

class Reader {
 public:
  Reader(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  TokenizerSpec read() {
    JsonLimits limits;
    limits.bytes = std::uint64_t{256} << 20;
    limits.values = text_.size() / 2 + 16;
    const std::size_t likely = text_.size() / 40;  // bytes that a token takes with its merges
    spec_.vocabulary.reserve(static_cast<std::int64_t>(likely), likely * 8);
    Handler handler(spec_, false);
    read_json(text_, file_, handler, limits);
    if (handler.merges_too_early()) {
      spec_.merges.clear();
      Handler again(spec_, true);
      read_json(text_, file_, again, limits);
    }
    root_ = handler.take();
    if (!root_.is_object() || !root_.contains("model") || !root_["model"].is_object())
      throw Error("an object with a model was expected").field("model");
    // A list of them is not kept in the tree.
    if (root_.contains("added_tokens"))
      throw Error("a list of objects with id, content and flags was expected")
          .field("added_tokens");
    read_model();
    read_added();
    spec_.normalizer = read_normalizers(part("normalizer"));
    spec_.pre_tokenizer = read_pre_tokenizers(part("pre_tokenizer"));
    spec_.decoder = read_decoders(part("decoder"));
    read_post_processor(part("post_processor"), spec_);
    if (spec_.prefix.size() == 1) spec_.bos = spec_.prefix.front();
    if (spec_.suffix.size() == 1 && spec_.prefix.empty()) spec_.eos = spec_.suffix.front();
    add_known_ends(spec_, false);
    return std::move(spec_);
  }

 private:
  const Json& part(const char* key) const {
    static const Json none;
    const auto at = root_.find(key);
    return at == root_.end() ? none : *at;
  }
  const Json* field(const char* key) const {
    const Json& model = root_["model"];
    const auto at = model.find(key);
    return at == model.end() || at->is_null() ? nullptr : &*at;
  }
  static Error wrong(const char* key, const char* what) {
    return Error(std::string(what) + " was expected").field(std::string("model.") + key);
  }
  bool flag(const char* key) const {
    const Json* value = field(key);
    if (value && !value->is_boolean()) throw wrong(key, "true or false");
    return value && value->get<bool>();
  }
  std::string text(const char* key) const {
    const Json* value = field(key);
    if (value && !value->is_string()) throw wrong(key, "a string");
    return value ? value->get<std::string>() : std::string();
  }
  void read_unk(const char* key) {
    if (!field(key)) return;
    const std::string piece = text(key);
    const std::int32_t id = spec_.vocabulary.find(piece);
    if (id < 0)
      throw Error("the token \"" + printable(piece) + "\" is not in the vocabulary")
          .field(std::string("model.") + key);
    spec_.unk = id;
  }

  // Old files do not name the kind; what they hold does.
  std::string kind() const {
    if (field("type")) return text("type");
    if (!spec_.merges.empty()) return "BPE";
    if (!spec_.scores.empty()) return "Unigram";
    return field("continuing_subword_prefix") ? "WordPiece" : "WordLevel";
  }

  void read_model() {
    const std::string type = kind();
    if (type == "BPE") {
      spec_.model = TokenizerSpec::Model::bpe;
      read_unk("unk_token");
      const Json* dropout = field("dropout");
      if (dropout && !(dropout->is_number() && dropout->get<double>() == 0))
        throw Error("dropout makes the ids random; null was expected").field("model.dropout");
      spec_.continuing_prefix = text("continuing_subword_prefix");
      spec_.end_suffix = text("end_of_word_suffix");
      spec_.fuse_unk = flag("fuse_unk");
      spec_.byte_fallback = flag("byte_fallback");
      spec_.ignore_merges = flag("ignore_merges");
    } else if (type == "Unigram") {
      spec_.model = TokenizerSpec::Model::unigram;
      spec_.byte_fallback = flag("byte_fallback");
      spec_.fuse_unk = spec_.all_pieces_match = true;
      if (const Json* id = field("unk_id")) {
        if (!id->is_number_integer() || !spec_.vocabulary.contains(id->get<std::int64_t>()))
          throw wrong("unk_id", "the id of a token");
        spec_.unk = id->get<std::int32_t>();
      }
    } else if (type == "WordPiece") {
      spec_.model = TokenizerSpec::Model::word_piece;
      read_unk("unk_token");
      spec_.continuing_prefix =
          field("continuing_subword_prefix") ? text("continuing_subword_prefix") : "##";
      spec_.longest_word = 100;
      if (const Json* most = field("max_input_chars_per_word")) {
        if (!most->is_number_integer() || most->get<std::int64_t>() <= 0)
          throw wrong("max_input_chars_per_word", "a number above 0");
        spec_.longest_word = most->get<std::int64_t>();
      }
    } else {
      throw Error("the kind \"" + printable(type) +
                  "\" is not supported; BPE, Unigram and WordPiece are")
          .field("model.type");
    }
    if (spec_.vocabulary.size() == 0) throw Error("the vocabulary is missing").field("model.vocab");
    if (type == "Unigram" && spec_.scores.empty())
      throw wrong("vocab", "a list of tokens and scores");
  }

  void read_added() {
    spec_.types.assign(static_cast<std::size_t>(spec_.vocabulary.size()), TokenType::normal);
    std::vector<AddedToken> kept;
    for (AddedToken& token : spec_.added) {
      const std::int32_t there = spec_.vocabulary.find(token.content);
      if (there >= 0 && there != token.id)
        throw Error("the added token has the id " + std::to_string(token.id) +
                    ", but the vocabulary says " + std::to_string(there))
            .field(printable(token.content));
      if (there < 0) {
        spec_.vocabulary.add(token.id, token.content);
        spec_.outside.push_back(token.id);
      }
      const auto at = static_cast<std::size_t>(token.id);
      if (at >= spec_.types.size()) spec_.types.resize(at + 1, TokenType::normal);
      const bool again = spec_.types[at] != TokenType::normal;
      spec_.types[at] = token.special ? TokenType::control : TokenType::user_defined;
      if (again) std::erase_if(kept, [&](const AddedToken& old) { return old.id == token.id; });
      kept.push_back(std::move(token));
    }
    spec_.added = std::move(kept);
    std::sort(spec_.outside.begin(), spec_.outside.end());
    if (spec_.model == TokenizerSpec::Model::unigram) spec_.scores.resize(spec_.types.size(), 0.0);
    for (unsigned byte = 0; byte < 256 && spec_.byte_fallback; ++byte) {
      static constexpr char digits[] = "0123456789ABCDEF";
      const char piece[] = {'<', '0', 'x', digits[byte >> 4], digits[byte & 15], '>'};
      if (const std::int32_t id = spec_.vocabulary.find({piece, 6}); id >= 0)
        spec_.types[static_cast<std::size_t>(id)] = TokenType::byte;
    }
  }

  std::string_view text_;
  const std::string& file_;
  TokenizerSpec spec_;
  Json root_;
};

}  // namespace

TokenizerSpec read_tokenizer_json(std::string_view text, const std::string& file) {
  try {
    return Reader(text, file).read();
  } catch (Error& error) {
    throw error.in(file);
  }
}

}  // namespace bantam::tokenizer
