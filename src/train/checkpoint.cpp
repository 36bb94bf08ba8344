#include "train/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/counting.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"

namespace bantam::train {

namespace {

constexpr std::string_view kMagic = "BNTMRUN";
constexpr char kVersion = '1';
constexpr std::size_t kSum = 32, kStart = 16;

std::vector<const Tensor*> tensors_of(const Parameter& p) {
  std::vector<const Tensor*> all{&p.value, &p.first};
  if (p.second) all.push_back(&p.second);
  return all;
}

std::span<const std::byte> bytes_of(const Tensor& t) {
  return {t.view().data, static_cast<std::size_t>(t.shape().count()) * 4};
}

Json header_of(const RunIdentity& identity, const RunState& state,
               const std::vector<Parameter>& parameters) {
  Json tensors = Json::array();
  for (const Parameter& p : parameters)
    tensors.push_back(
        {{"name", p.name}, {"elements", p.shape.count()}, {"parts", tensors_of(p).size()}});
  Json out = {{"settings", identity.settings},
          {"data", identity.data},
          {"step", state.step},
          {"epoch", state.position.epoch},
          {"row", state.position.row},
          {"losses", state.losses},
          {"validation_losses", state.validation_losses},
          {"validation_steps", state.validation_steps},
          {"seconds", state.seconds},
          {"tensors", tensors}};
  if (!state.rewards.empty())
    out.update({{"rewards", state.rewards}, {"groups", state.groups}, {"silent", state.silent}, {"cut", state.cut}});
  return out;
}

// The number of steps in settings; the settings without it.
std::pair<std::int64_t, std::string> steps_apart(const std::string& settings) {
  constexpr std::string_view kKey = "\nsteps=";
  const std::size_t at = settings.find(kKey);
  if (at == std::string::npos) return {0, settings};
  const std::size_t end = std::min(settings.find('\n', at + 1), settings.size());
  std::int64_t steps = 0;
  std::from_chars(settings.data() + at + kKey.size(), settings.data() + end, steps);
  return {steps, settings.substr(0, at) + settings.substr(end)};
}

// A run may be made longer, never shorter.
bool continues(const std::string& there, const std::string& here) {
  const auto [before, rest] = steps_apart(there);
  const auto [now, same] = steps_apart(here);
  return rest == same && now >= before;
}

// Throws Error where the same recipe asks for less than is done.
void require_more(const std::string& there, const RunIdentity& identity, std::int64_t done) {
  const auto [planned, same] = steps_apart(there);
  const auto [now, rest] = steps_apart(identity.settings);
  if (planned < done || now >= done || rest != same) return;  // the first: a run that is not told in steps
  const auto amount = [&](std::int64_t steps) {
    const std::string text = number_of(steps, "step");
    if (identity.tokens_per_step == 0) return text;
    return std::to_string(steps * identity.tokens_per_step) + " tokens (" + text + ")";
  };
  throw Error("the run has already learnt " + amount(done) + ", more than the " + amount(now) +
              " that are asked for: --tokens, --steps and --epochs can only be larger");
}

// Settings as text, "name=3" or "name = 3" on a line: names and values in their order.
std::vector<std::pair<std::string, std::string>> lines_of(const std::string& settings) {
  const auto trimmed = [](std::string text) {
    text.erase(0, text.find_first_not_of(' '));
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
  };
  std::vector<std::pair<std::string, std::string>> out;
  std::istringstream text(settings);
  for (std::string line; std::getline(text, line);) {
    const std::size_t sign = std::min(line.find('='), line.size());
    out.emplace_back(trimmed(line.substr(0, sign)), trimmed(line.substr(std::min(sign + 1, line.size()))));
  }
  return out;
}

// All that differs, as "name: 3 in the checkpoint, 4 now", but for steps, of which there may be more.
std::string differences(const std::string& there, const std::string& here) {
  const auto before = lines_of(there), now = lines_of(here);
  const bool longer = steps_apart(there).first > 0 && steps_apart(here).first >= steps_apart(there).first;
  const auto value_in = [](const auto& lines, const std::string& name) {
    const auto at = std::ranges::find(lines, name, [](const auto& line) { return line.first; });
    return at == lines.end() ? "not said" : at->second;
  };
  std::string out;
  const auto add = [&](const std::string& name) {
    const std::string a = value_in(before, name), b = value_in(now, name);
    if (a == b || (longer && name == "steps")) return;
    out += (out.empty() ? "" : "; ") + name + ": " + a + " in the checkpoint, " + b + " now";
  };
  for (const auto& [name, unused] : before) add(name);
  for (const auto& [name, unused] : now)
    if (value_in(before, name) == "not said") add(name);
  return out.empty() ? "the settings are of another kind" : out;
}

}  // namespace

void write_checkpoint(const Path& path, const RunIdentity& identity, const RunState& state,
                      const std::vector<Parameter>& parameters) {
  const std::string header = to_text(header_of(identity, state, parameters));
  AtomicFile file(path);
  Sha256 sum;
  const auto put = [&](std::span<const std::byte> bytes) {
    sum.add(bytes);
    file.write(bytes);
  };
  const std::uint64_t length = header.size();
  put(std::as_bytes(std::span(kMagic)));
  put(std::as_bytes(std::span(&kVersion, 1)));
  put(std::as_bytes(std::span(&length, 1)));
  put(std::as_bytes(std::span(header)));
  for (const Parameter& p : parameters)
    for (const Tensor* t : tensors_of(p)) put(bytes_of(*t));
  const Sha256::Digest digest = sum.digest();
  file.write(digest);
  file.commit();
}

namespace {

struct Parts {
  Json header;
  std::span<const std::byte> payload;
};

Parts open_parts(const MappedFile& file) {
  const std::string name = file.path().string();
  const std::span<const std::byte> all = file.bytes();
  if (all.size() < kStart + kSum || std::memcmp(all.data(), kMagic.data(), kMagic.size()) != 0)
    throw Error("is not a checkpoint of a training run, or is cut short").in(name).at(0);
  if (const auto version = static_cast<char>(all[kMagic.size()]); version != kVersion)
    throw Error("is a checkpoint of version " + printable(std::string(1, version)) +
                "; this program reads version 1: use the program that wrote it")
        .in(name)
        .field("version")
        .at(kMagic.size());
  Sha256 sum;
  sum.add(all.first(all.size() - kSum));
  const Sha256::Digest digest = sum.digest();
  if (std::memcmp(digest.data(), all.data() + all.size() - kSum, kSum) != 0)
    throw Error(
        "its content does not match its sum: it was cut or changed since it was written; resume "
        "from a copy or start again")
        .in(name)
        .field("sum")
        .at(all.size() - kSum);
  std::uint64_t length;
  std::memcpy(&length, all.data() + 8, 8);
  if (length > all.size() - kStart - kSum)
    throw Error("the header is longer than the file").in(name).field("header").at(8);
  const std::string_view text(reinterpret_cast<const char*>(all.data()) + kStart, length);
  return {parse_json(text, name, {.bytes = length, .depth = 8, .values = 100'000'000}),
          all.subspan(kStart + length, all.size() - kStart - length - kSum)};
}

RunState state_of(const Json& header) {
  RunState state;
  header.at("step").get_to(state.step);
  header.at("epoch").get_to(state.position.epoch);
  header.at("row").get_to(state.position.row);
  header.at("losses").get_to(state.losses);
  header.at("validation_losses").get_to(state.validation_losses);
  header.at("validation_steps").get_to(state.validation_steps);
  header.at("seconds").get_to(state.seconds);
  if (header.contains("rewards")) {
    header.at("rewards").get_to(state.rewards);
    header.at("groups").get_to(state.groups);
    header.at("silent").get_to(state.silent);
    if (header.contains("cut")) header.at("cut").get_to(state.cut);
  }
  return state;
}

}  // namespace

RunState read_checkpoint(const Path& path, const RunIdentity& identity,
                         std::vector<Parameter>& parameters) {
  const MappedFile file(path);
  const Parts parts = open_parts(file);
  const std::string name = path.string();
  try {
    const auto settings = parts.header.at("settings").get<std::string>();
    require_more(settings, identity, parts.header.at("step").get<std::int64_t>());
    if (!continues(settings, identity.settings))
      throw Error("belongs to another recipe: " + printable(differences(settings, identity.settings), 1000) +
                  "; put it back to go on, or begin anew with --force and without --resume")
          .field("settings");
    if (parts.header.at("data").get<std::string>() != identity.data)
      throw Error("was made from other text: the files or the tokenizer have changed since; put them back to go on, or begin anew with --force "
                  "and without --resume")
          .field("data");
    std::size_t wanted = 0;
    for (const Parameter& p : parameters)
      for (const Tensor* t : tensors_of(p)) wanted += bytes_of(*t).size();
    if (wanted != parts.payload.size())
      throw Error(std::to_string(wanted) + " bytes of weights were expected, not " +
                  std::to_string(parts.payload.size()))
          .field("tensors");
    const RunState state = state_of(parts.header);
    const std::byte* from = parts.payload.data();
    for (Parameter& p : parameters)
      for (const Tensor* t : tensors_of(p)) {
        std::memcpy(t->view().data, from, bytes_of(*t).size());
        from += bytes_of(*t).size();
      }
    return state;
  } catch (const Json::exception&) {
    throw Error("a field of the header is missing or of the wrong kind")
        .in(name)
        .field("header")
        .at(kStart);
  } catch (Error& error) {
    throw error.in(name);
  }
}

}  // namespace bantam::train
