// default_report: what the model of the default recipe can do. Answers the unseen questions,
// compares with answering from memory, with the Q8_0 file, and measures speed; or asks five
// questions aloud.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "chat/chat_template.h"
#include "default/corpus.h"
#include "default/nearest.h"
#include "infer/answer.h"
#include "infer/decoder.h"
#include "infer/session.h"
#include "tokenizer/tokenizer.h"

namespace bantam::recipe {

namespace {

constexpr const char* kHelp =
    R"(Usage: default_report --model F32.gguf --q8 Q8_0.gguf --train TRAIN.json [--report FILE]
                      [--seed S] [--count N] [--questions M] [--ask N]

  --model FILE   the trained model
  --q8 FILE      the same in Q8_0
  --train FILE   what `bantam train --json` printed
  --report FILE  write the figures as JSON
  --seed, --count, --questions: as default_corpus was called
  --ask N        also print N of the questions with the model's answers
)";

using Words = std::map<std::string, std::string>;

Words parse(int argc, char** argv) {
  Words words{{"--seed", "1"}, {"--count", "100000"}, {"--questions", "1000"}, {"--ask", "0"},
              {"--model", ""}, {"--q8", ""},          {"--train", ""},         {"--report", ""}};
  for (int i = 1; i < argc; i += 2) {
    if (std::string(argv[i]) == "--help") return {};
    if (!words.contains(argv[i]) || i + 1 == argc)
      throw Error(
          "there is no option '" + printable(argv[i]) + "', or its value is missing; see --help",
          Error::Kind::usage);
    words[argv[i]] = argv[i + 1];
  }
  return words;
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class Judge {
 public:
  explicit Judge(const std::string& path)
      : tokenizer_(open_tokenizer(Path(path))),
        chat_(tokenizer_->chat_template(), path),
        session_(std::make_shared<ModelFile>(Path(path)), options()) {}

  static SessionOptions options() {
    SessionOptions o;
    o.slots = kSlots;
    return o;
  }
  const Session& session() const { return session_; }

  std::vector<std::int32_t> prompt(const std::string& question) const {
    ChatInput input;
    input.messages.push_back({{"role", "user"}, {"content", question}});
    return tokenizer_->encode(chat_.render(input));
  }

  // Greedy answers, many at a time: the same as one by one.
  std::vector<std::string> answers(const std::vector<Dialogue>& questions) {
    std::vector<std::unique_ptr<Answer>> said;
    std::vector<std::unique_ptr<Going>> goings;
    std::vector<Going*> all;
    for (const Dialogue& d : questions) {
      const std::vector<std::int32_t> ids = prompt(d.question);
      AnswerOptions options;
      options.sampling.temperature = 0;
      options.most_tokens = session_.context() - static_cast<std::int64_t>(ids.size());
      said.push_back(std::make_unique<Answer>(tokenizer_, options));
      goings.push_back(std::make_unique<Going>(ids, *said.back()));
      all.push_back(goings.back().get());
    }
    Decoder(session_).run(all, [](Going& going) {
      if (going.fault()) std::rethrow_exception(going.fault());
    });
    std::vector<std::string> out;
    for (const auto& answer : said) out.push_back(answer->text());
    return out;
  }

  // Logits at each position of question and worked answer.
  std::vector<std::vector<float>> logits(const Dialogue& d) {
    std::vector<std::int32_t> ids = prompt(d.question);
    const auto more = tokenizer_->encode(d.worked, {.add_special = false, .parse_special = false});
    ids.insert(ids.end(), more.begin(), more.end());
    std::vector<std::vector<float>> all;
    session_.trim(0, 0);
    const Session::Part part{0, ids, Session::Want::all};
    session_.evaluate(std::span(&part, 1),
                      [&](std::size_t, std::size_t, std::span<const float> row) {
                        all.emplace_back(row.begin(), row.end());
                      });
    return all;
  }

  // Tokens a second of one sequence, tokens one by one.
  double decode_speed() {
    std::vector<std::int32_t> token{tokenizer_->end_ids().front()};
    double best = 0;
    for (int round = 0; round < 3; ++round) {
      session_.trim(0, 0);
      const double start = now();
      constexpr int kTokens = 128;
      for (int i = 0; i < kTokens; ++i) {
        const Session::Part part{0, token, Session::Want::last};
        session_.evaluate(std::span(&part, 1),
                          [](std::size_t, std::size_t, std::span<const float>) {});
      }
      best = std::max(best, kTokens / (now() - start));
    }
    return best;
  }

 private:
  static constexpr std::int64_t kSlots = 32;

  std::shared_ptr<const Tokenizer> tokenizer_;
  ChatTemplate chat_;
  Session session_;
};

// Mean over positions of the Kullback-Leibler divergence from `p` to `q`, in nats.
double divergence(const std::vector<std::vector<float>>& p,
                  const std::vector<std::vector<float>>& q) {
  const auto log_sum = [](const std::vector<float>& row) {
    const float most = *std::max_element(row.begin(), row.end());
    double sum = 0;
    for (const float x : row) sum += std::exp(static_cast<double>(x - most));
    return std::log(sum) + static_cast<double>(most);
  };
  double total = 0;
  for (std::size_t t = 0; t < p.size(); ++t) {
    const double lp = log_sum(p[t]), lq = log_sum(q[t]);
    for (std::size_t v = 0; v < p[t].size(); ++v) {
      const double a = static_cast<double>(p[t][v]) - lp, b = static_cast<double>(q[t][v]) - lq;
      total += std::exp(a) * (a - b);
    }
  }
  return total / static_cast<double>(p.size());
}

struct Tally {
  int right = 0, all = 0;
  double share() const { return all == 0 ? 0 : static_cast<double>(right) / all; }
};

void print_table(const std::map<std::string, Tally>& kinds,
                 const std::map<std::string, Tally>& both) {
  fmt::print("{:<16}{:>8}{:>8}{:>8}\n", "kind", "all", "en", "zh");
  for (const auto& [kind, tally] : kinds)
    fmt::print("{:<16}{:>8.3f}{:>8.3f}{:>8.3f}\n", kind, tally.share(),
               both.at(kind + ".en").share(), both.at(kind + ".zh").share());
}

void ask_aloud(Judge& judge, const std::vector<Dialogue>& questions, std::size_t count) {
  std::vector<Dialogue> some(
      questions.begin(),
      questions.begin() + static_cast<std::ptrdiff_t>(std::min(count, questions.size())));
  const std::vector<std::string> answers = judge.answers(some);
  for (std::size_t i = 0; i < some.size(); ++i)
    fmt::print("\n> {}\n{}\n", some[i].question, answers[i]);
}

std::uint64_t file_bytes(const std::string& path) { return std::filesystem::file_size(path); }

void report(const Words& words) {
  const std::uint64_t seed = std::stoull(words.at("--seed"));
  const auto questions = evaluation_questions(seed, std::stoull(words.at("--questions")));
  std::vector<Dialogue> training;
  for (std::uint64_t i = 0; i < std::stoull(words.at("--count")); ++i)
    training.push_back(dialogue(Side::training, seed, i));
  const Json train = parse_json(read_file(words.at("--train")), words.at("--train"));

  Judge judge(words.at("--model")), small(words.at("--q8"));
  const std::vector<std::string> answers = judge.answers(questions),
                                 small_answers = small.answers(questions);
  Tally all, all_q8;
  std::map<std::string, Tally> kinds, languages, both;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const Dialogue& d = questions[i];
    const bool right = final_answer(answers[i]) == d.answer;
    const std::string kind(name(d.kind)), language(name(d.language));
    for (Tally* t : {&all, &kinds[kind], &languages[language], &both[kind + "." + language]}) {
      t->right += right;
      ++t->all;
    }
    all_q8.right += final_answer(small_answers[i]) == d.answer;
    ++all_q8.all;
  }
  double kl = 0;
  const std::size_t some = std::min<std::size_t>(64, questions.size());
  for (std::size_t i = 0; i < some; ++i)
    kl += divergence(judge.logits(questions[i]), small.logits(questions[i])) /
          static_cast<double>(some);
  const double nearest = nearest_match(training, questions);
  const double speed = judge.decode_speed(), small_speed = small.decode_speed();

  Json out = {{"exact_match", all.share()},
              {"exact_match_q8", all_q8.share()},
              {"exact_match_by_kind", Json::object()},
              {"exact_match_by_language", Json::object()},
              {"exact_match_by_kind_and_language", Json::object()},
              {"nearest_match", nearest},
              {"val_loss", train.at("validation_loss")},
              {"train_loss", train.at("loss")},
              {"train_seconds", train.at("seconds")},
              {"train_tokens_per_s", train.at("tokens_per_second")},
              {"parameters", train.at("parameters")},
              {"bytes_f32", file_bytes(words.at("--model"))},
              {"bytes_q8", file_bytes(words.at("--q8"))},
              {"kl_q8", kl},
              {"decode_tokens_per_s", speed},
              {"decode_tokens_per_s_q8", small_speed},
              {"isa", judge.session().isa()},
              {"threads", judge.session().threads()},
              {"model", std::filesystem::absolute(words.at("--model")).string()}};
  for (const auto& [kind, tally] : kinds) out["exact_match_by_kind"][kind] = tally.share();
  for (const auto& [language, tally] : languages)
    out["exact_match_by_language"][language] = tally.share();
  for (const auto& [key, tally] : both)
    out["exact_match_by_kind_and_language"][key] = tally.share();

  print_table(kinds, both);
  fmt::print("\nexact match on {} unseen questions: {:.3f} (en {:.3f}, zh {:.3f}; Q8_0 {:.3f})\n",
             questions.size(), all.share(), languages["en"].share(), languages["zh"].share(),
             all_q8.share());
  fmt::print("the nearest training question's answer would be right for {:.3f}\n", nearest);
  fmt::print("loss {:.4f}, on unseen documents {:.4f}; trained in {:.0f} s, {:.0f} tokens/s ({})\n",
             train.at("loss").get<double>(), train.at("validation_loss").get<double>(),
             train.at("seconds").get<double>(), train.at("tokens_per_second").get<double>(),
             judge.session().isa());
  fmt::print(
      "F32  {:>9} bytes, {:>6.0f} tokens/s\nQ8_0 {:>9} bytes, {:>6.0f} tokens/s, divergence {:.2e} "
      "nats\n",
      file_bytes(words.at("--model")), speed, file_bytes(words.at("--q8")), small_speed, kl);
  if (!words.at("--report").empty()) write_file(words.at("--report"), out.dump(2) + "\n");
  ask_aloud(judge, questions, std::stoull(words.at("--ask")));
}

int run_main(int argc, char** argv) {
  try {
    const Words words = parse(argc, argv);
    if (words.empty()) {
      std::cout << kHelp;
      return 0;
    }
    report(words);
    return 0;
  } catch (const Error& error) {
    std::cerr << "default_report: " << error.what() << '\n';
    return static_cast<int>(error.kind());
  } catch (const std::exception& error) {
    std::cerr << "default_report: " << error.what() << '\n';
    return 1;
  }
}

}  // namespace
}  // namespace bantam::recipe

int main(int argc, char** argv) { return bantam::recipe::run_main(argc, argv); }
