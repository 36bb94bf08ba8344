#include "train/recipe.h"

#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

#include <charconv>
#include <cmath>
#include <functional>
#include <map>

#include "base/error.h"
#include "base/nearest.h"
#include "train/trainer.h"

namespace bantam::train {

namespace {

// Takes the value of one key; throws Error when it does not fit.
using Take = std::function<void(const toml::node& value)>;

Error wrong(const std::string& expected) { return Error(expected + " was expected"); }

Take whole(std::optional<std::int64_t>& to, std::int64_t least, std::int64_t most) {
  return [&to, least, most](const toml::node& value) {
    const std::optional<std::int64_t> number = value.value_exact<std::int64_t>();
    if (!number || *number < least || *number > most)
      throw wrong("a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    to = *number;
  };
}
Take whole(std::int64_t& to, std::int64_t least, std::int64_t most) {
  return [&to, least, most](const toml::node& value) {
    std::optional<std::int64_t> number;
    whole(number, least, most)(value);
    to = *number;
  };
}
template <class T>
Take number(T& to, double least, double most) {
  return [&to, least, most](const toml::node& value) {
    const std::optional<double> given = value.value<double>();
    if (!given || !(*given >= least && *given <= most)) {
      char text[80];
      std::snprintf(text, sizeof text, "a number from %g to %g", least, most);
      throw wrong(text);
    }
    to = *given;
  };
}
template <>
Take number<float>(float& to, double least, double most) {
  return [&to, least, most](const toml::node& value) {
    double wide = 0;
    number<double>(wide, least, most)(value);
    to = static_cast<float>(wide);
  };
}
Take flag(bool& to) {
  return [&to](const toml::node& value) {
    const std::optional<bool> given = value.value_exact<bool>();
    if (!given) throw wrong("true or false");
    to = *given;
  };
}
Take text(std::string& to) {
  return [&to](const toml::node& value) {
    const std::optional<std::string> given = value.value_exact<std::string>();
    if (!given) throw wrong("a text in quotes");
    to = *given;
  };
}
template <class T, class To>
Take choice(To& to, std::map<std::string, T> words) {
  return [&to, words](const toml::node& value) {
    const std::optional<std::string> given = value.value_exact<std::string>();
    const auto at = given ? words.find(*given) : words.end();
    if (at == words.end()) {
      std::string known;
      for (const auto& [word, unused] : words)
        known += (known.empty() ? "\"" : ", \"") + word + "\"";
      throw wrong("one of " + known);
    }
    to = at->second;
  };
}

// "5m" and the like; none when it is something else.
std::optional<std::int64_t> counted(const std::string& text) {
  static constexpr std::pair<std::string_view, double> kUnits[] = {
      {"", 1}, {"k", 1e3}, {"m", 1e6}, {"b", 1e9}, {"K", 1e3}, {"M", 1e6}, {"B", 1e9}, {"G", 1e9}};
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc()) return std::nullopt;
  for (const auto& [unit, scale] : kUnits)
    if (unit == std::string_view(end, text.data() + text.size()) && value * scale >= 1 &&
        value * scale < 1e13)
      return std::llround(value * scale);
  return std::nullopt;
}

Take count(std::optional<std::int64_t>& to) {
  return [&to](const toml::node& value) {
    if (const auto plain = value.value_exact<std::int64_t>())
      to = *plain;
    else if (const auto written = value.value_exact<std::string>())
      to = counted(*written);
    else
      to = std::nullopt;
    if (!to || *to < 1) throw wrong("a number from 1, or a text such as \"5m\",");
  };
}

using Table = std::map<std::string, Take>;

// Every key of a recipe: section.key.
Table table_of(Recipe& r, std::string& text_path) {
  constexpr std::int64_t kMany = std::int64_t{1} << 40;
  return {
      {"data.text", text(text_path)},
      {"data.bad_text", choice<BadText>(r.reading.bad_text,
                                        {{"replace", BadText::replace}, {"skip", BadText::skip}})},
      {"data.document_bytes", whole(r.reading.document_bytes, 256, 1 << 30)},
      {"data.answer_weight", number(r.weights.answer_weight, 0, 1000)},
      {"data.question_weight", number(r.weights.question_weight, 0, 1000)},
      {"data.validation", number(r.validation, 0, 0.9)},
      {"tokenizer.vocabulary", whole(r.vocabulary, 261, 1 << 24)},
      {"tokenizer.pre", text(r.pre_tokenizer)},
      {"teacher.model",
       [&r](const toml::node& value) {
         std::string path;
         text(path)(value);
         r.teacher = path;
       }},
      {"teacher.share", number(r.teaching.share, 0, 1)},
      {"teacher.top", whole(r.teaching.likeliest, 1, 4096)},
      {"model.name", text(r.name)},
      {"model.family",
       [&r](const toml::node& value) {
         std::string name;
         text(name)(value);
         r.family = raised_family(name).gguf;
       }},
      {"model.size", count(r.size)},
      {"model.layers", whole(r.layers, 1, 4096)},
      {"model.width", whole(r.width, 2, 1 << 17)},
      {"model.heads", whole(r.heads, 1, 4096)},
      {"model.kv_heads", whole(r.kv_heads, 1, 4096)},
      {"model.feed_forward", whole(r.feed_forward, 1, 1 << 20)},
      {"model.tied", flag(r.tied)},
      {"model.rope_base", number(r.rope_base, 1, 1e9)},
      {"train.steps", whole(r.steps, 0, kMany)},
      {"train.tokens", count(r.tokens)},
      {"train.epochs",
       [&r](const toml::node& v) {
         double e = 0;
         number(e, 0.001, 1e6)(v);
         r.epochs = e;
       }},
      {"train.context", whole(r.context, 32, 1 << 20)},
      {"train.rows", whole(r.rows, 1, 1 << 20)},
      {"train.micro_rows", whole(r.micro_rows, 0, 1 << 20)},
      {"train.groups", whole(r.groups, 1, 1 << 20)},
      {"train.recompute", flag(r.recompute)},
      {"train.seed",
       [&r](const toml::node& v) {
         std::int64_t s = 0;
         whole(s, 0, INT64_MAX)(v);
         r.seed = static_cast<std::uint64_t>(s);
       }},
      {"train.arithmetic",
       choice<Arithmetic>(r.arithmetic, {{"f32", Arithmetic::f32}, {"bf16", Arithmetic::bf16}})},
      {"train.optimiser", choice<bool>(r.optimiser.muon, {{"muon", true}, {"adamw", false}})},
      {"train.muon_rate", number(r.optimiser.muon_rate, 0, 10)},
      {"train.muon_momentum", number(r.optimiser.muon_momentum, 0, 0.9999)},
      {"train.rate", number(r.optimiser.rate, 0, 10)},
      {"train.beta1", number(r.optimiser.beta1, 0, 0.9999)},
      {"train.beta2", number(r.optimiser.beta2, 0, 0.999999)},
      {"train.weight_decay", number(r.optimiser.decay, 0, 10)},
      {"train.clip", number(r.optimiser.clip, 0, 1e9)},
      {"train.warmup", number(r.schedule.warmup, 0, 1)},
      {"train.decay", number(r.schedule.decay, 0, 1)},
      {"train.floor", number(r.schedule.floor, 0, 1)},
  };
}

// The nearest known key, or the keys of its section, for a message.
std::string advice(const std::string& key, const Table& table) {
  std::vector<std::string> keys;
  std::string section;
  for (const auto& [known, unused] : table) {
    keys.push_back(known);
    if (known.starts_with(key.substr(0, key.find('.') + 1)) && key.find('.') != std::string::npos)
      section += (section.empty() ? "" : ", ") + known;
  }
  // A key under the wrong section, or under none, is as good as a letter that is wrong.
  const std::string bare = key.substr(key.find('.') == std::string::npos ? 0 : key.find('.') + 1);
  for (const std::string& known : keys)
    if (known.substr(known.find('.') + 1) == bare) return "did you mean " + known + "?";
  const std::string near = nearest(key, keys);
  if (!near.empty()) return "did you mean " + near + "?";
  return section.empty() ? "the sections are data, tokenizer, teacher, model and train"
                         : "there are " + section;
}

void take_key(const std::string& name, const toml::node& value, const Table& table, std::set<std::string>& said) {
  const std::uint64_t line = value.source().begin.line;
  const auto at = table.find(name);
  if (at == table.end())
    throw Error("is not a key of a recipe; " + advice(name, table)).field(name).line(line);
  try {
    at->second(value);
    said.insert(name);
  } catch (Error& error) {
    throw error.field(name).line(line);
  }
}

void take_keys(const toml::table& file, const Table& table, std::set<std::string>& said) {
  for (const auto& [section, node] : file) {
    const std::string name(section.str());
    if (const toml::table* keys = node.as_table()) {
      for (const auto& [key, value] : *keys)
        take_key(name + "." + std::string(key.str()), value, table, said);
    } else {
      take_key(name, node, table, said);
    }
  }
}

// Whether what a recipe can say of a shape is all that the family wants to know.
bool takes_shapes(const Family& family) {
  Config c;
  c.family = "llama";
  c.layers = c.heads = c.kv_heads = 2;
  c.head_dim = 64;
  c.width = 128;
  c.feed_forward = 352;
  c.vocabulary = 512;
  c.context = 256;
  c.eps = 1e-5;
  try {
    (void)as_family(c, family);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

const Family& raised_family(const std::string& name) {
  std::vector<std::string> names;
  std::string list, own;  // own: what a recipe calls the family of that model_type
  for (const Family& family : families()) {
    if (!takes_shapes(family)) continue;
    if (family.gguf == name) return family;
    names.emplace_back(family.gguf);
    list += (list.empty() ? "" : ", ") + names.back();
    if (std::ranges::find(family.hf, name) != family.hf.end()) own = family.gguf;
  }
  const std::string_view type = family_of_name(name);
  for (const Family& family : families())
    if (own.empty() && takes_shapes(family) && std::ranges::find(family.hf, type) != family.hf.end()) own = family.gguf;
  const std::string near = nearest(name, names);
  std::string advice;
  if (!own.empty())
    advice = "it is of the family " + own + " here: say \"" + own + "\"; ";
  else if (!near.empty())
    advice = "did you mean \"" + near + "\"? ";
  throw Error("no family of this name can be raised, \"" + printable(name, 60) + "\"; " + advice +
              "there are " + list);
}

std::int64_t parse_count(const std::string& text) {
  if (const std::optional<std::int64_t> count = counted(text)) return *count;
  throw Error("a number such as 300k, 5m or 1.2b was expected, not \"" + printable(text) + "\"",
              Error::Kind::usage);
}

Recipe read_recipe(const Path& path) {
  const std::string source = read_file(path, 1 << 20);
  Recipe recipe;
  std::string text_path;
  const Table table = table_of(recipe, text_path);
  try {
    take_keys(toml::parse(source), table, recipe.said);
  } catch (const toml::parse_error& error) {
    throw Error(std::string(error.description())).in(path.string()).line(error.source().begin.line);
  } catch (Error& error) {
    throw error.in(path.string());
  }
  if (text_path.empty())
    throw Error("the folder with the text is missing: text = \"...\" under [data]")
        .in(path.string())
        .field("data.text");
  if (const Recipe usual; !recipe.teacher && (recipe.teaching.share != usual.teaching.share || recipe.teaching.likeliest != usual.teaching.likeliest))
    throw Error("which teacher? model = \"...\" under [teacher] was expected").in(path.string()).field("teacher.model");
  if (recipe.steps.has_value() + recipe.tokens.has_value() + recipe.epochs.has_value() > 1)
    throw Error("only one of steps, tokens and epochs can be said")
        .in(path.string())
        .field("train");
  recipe.text = path.parent_path() / text_path;
  if (recipe.teacher) recipe.teacher = path.parent_path() / *recipe.teacher;
  return recipe;
}

namespace {

Config shape_of(const Recipe& r, std::int64_t vocabulary) {
  if (!r.shaped()) {
    Config c = r.layers ? shape_for_layers(r.size_or_usual(), *r.layers, vocabulary, r.context)
                        : shape_for_size(r.size_or_usual(), vocabulary, r.context);
    c.tied = true;
    return c;
  }
  if (!r.width || !r.layers || !r.heads)
    throw Error("a shape needs layers, width and heads (or say size instead)").field("model");
  Config c;
  c.family = "llama";
  c.layers = *r.layers;
  c.width = *r.width;
  c.heads = *r.heads;
  c.kv_heads = r.kv_heads.value_or(c.heads);
  if (c.width % c.heads != 0)
    throw Error(std::to_string(c.heads) + " heads do not divide a width of " +
                std::to_string(c.width))
        .field("model.heads");
  c.head_dim = c.width / c.heads;
  c.feed_forward = r.feed_forward.value_or((c.width * 8 / 3 + 31) / 32 * 32);
  c.vocabulary = vocabulary;
  c.context = r.context;
  c.tied = r.tied;
  return c;
}

}  // namespace

TrainSettings settle(const Recipe& r, std::int64_t vocabulary, std::int64_t train_tokens) {
  TrainSettings s;
  s.model = shape_of(r, vocabulary);
  s.model.name = r.name;
  s.model.rope_base = r.rope_base;
  s.model.eps = 1e-5;
  s.model = as_family(s.model, raised_family(r.family));
  s.context = r.rounded_context();
  s.model.context = std::max(s.model.context, s.context);
  s.rows = r.rows_or_usual();
  s.micro_rows = r.micro_rows;
  s.groups = r.groups;
  s.recompute = r.recompute;
  s.seed = r.seed;
  s.validation = r.validation;
  s.arithmetic = r.arithmetic.value_or(Arithmetic::bf16);
  s.optimiser = r.optimiser;
  s.schedule = r.schedule;
  const double per_step = static_cast<double>(s.tokens_per_step());
  if (r.steps)
    s.steps = *r.steps;
  else if (r.tokens)
    s.steps = std::max<std::int64_t>(1, std::llround(static_cast<double>(*r.tokens) / per_step));
  else
    s.steps = std::max<std::int64_t>(
        r.epochs ? 1 : 200,
        std::llround(r.epochs.value_or(1) * static_cast<double>(train_tokens) / per_step));
  s.check();
  return s;
}

}  // namespace bantam::train
