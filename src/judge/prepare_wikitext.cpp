// WikiText-2 by pages, and the text of a page (EleutherAI/lm-evaluation-harness,
// lm_eval/tasks/wikitext/preprocess_wikitext.py, after Shoeybi et al. 2019, Megatron-LM).
#include <nlohmann/json.hpp>

#include "judge/prepare.h"
#include "judge/python_text.h"

namespace bantam::judge {

namespace {

// White space just inside a pair of marks goes; the pair is the shortest without a closer inside.
// As the pattern OPEN\s*([^CLOSE]*?)\s*CLOSE, from left to right.
std::string tightened(const std::string& text, char open, char close) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = text.find(open, at);
    const std::size_t end = begin == std::string::npos ? begin : text.find(close, begin + 1);
    if (end == std::string::npos) return out + text.substr(at);
    out += text.substr(at, begin - at);
    out += open;
    out += strip(std::string_view(text).substr(begin + 1, end - begin - 1));
    out += close;
    at = end + 1;
  }
  return out;
}

bool starts_page(std::string_view line) {
  const std::string plain = replace_all(replace_all(line, "= = =", "==="), "= =", "==");
  const std::string_view head = strip(plain);
  return head.starts_with("= ") && head.ends_with(" =");
}

}  // namespace

std::string detokenised(std::string text) {
  const auto replace = [&](std::string_view from, std::string_view to) {
    text = replace_all(text, from, to);
  };
  replace("s '", "s'");
  replace(" @-@ ", "-");
  replace(" @,@ ", ",");
  replace(" @.@ ", ".");
  for (const char mark : {':', ';', '.', '!', '?', ','})
    replace(std::string(" ") + mark + " ", std::string(1, mark) + " ");
  for (const auto& [open, close] :
       {std::pair{'(', ')'}, {'[', ']'}, {'{', '}'}, {'"', '"'}, {'\'', '\''}})
    text = tightened(text, open, close);
  replace("= = = =", "====");
  replace("= = =", "===");
  replace("= =", "==");
  replace(" \xC2\xB0 ", "\xC2\xB0");
  replace(" \n", "\n");
  replace("\n ", "\n");
  replace(" N ", " 1 ");
  replace(" 's", "'s");
  return text;
}

// From the raw file, one page a record: "page" as it stands, "text" to be scored. Records that are
// pages already ("page") stay whole.
Records prepare_wikitext(Records records, const std::string& file) {
  Records out;
  const auto add = [&](const std::string& page) {
    if (strip(page).empty()) return;
    out.push_back({{"page", page}, {"text", detokenised(page)}});
  };
  for (const Json& record : records) {
    if (record.contains("page")) {
      add(text_field(record, "page", file));
      continue;
    }
    const std::string text = text_field(record, "text", file);
    std::string page;
    bool first = true;
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      const std::string line = text.substr(at, end - at);
      if (starts_page(line)) {
        add(page);
        page.clear();
        first = true;
      }
      page += (first ? "" : "\n") + line;
      first = false;
      at = end + 1;
    }
    add(page);
  }
  return out;
}

}  // namespace bantam::judge
